/* SPDX-License-Identifier: MIT */
/* The command line: words and options in, one of the commands out. Boot only. */
#ifndef TINCAN_CLI_CLI_H
#define TINCAN_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CLI_DONE = 0,
	CLI_FAILED = 1,
	CLI_MISUSE = 2		/* of the command line, or a bad configuration */
};

#define CLI_WORDS 3
#define CLI_FIELDS 64

/* All texts are borrowed from argv. */
struct cli {
	const char *command;	/* "serve", "check", ... */
	const char *config;	/* the file's name */
	/* Those behind the command: a handler's name; of try, file, method, target. */
	const char *words[CLI_WORDS];
	int log_level;		/* 0: as the configuration says */
	bool json;		/* print answers as they are */

	const char *kind;	/* of new: "http", ...; NULL: not said, as below */

	/* Of try. */
	const char *data;	/* the content, or "@" and a file's name */
	const char *fields[CLI_FIELDS]; /* "name: value" */
	size_t field_count;
	const char *route;
	const char *settings;	/* JSON, or "@" and a file's name */
	uint32_t timeout_ms;
};

/* Fills in cli. Returns -1 to go on, else the exit status of the process, all being
 * said. */
int cli_parse(int argc, char **argv, struct cli *cli);

/* The index of word in words, or -1 after saying that it is an unknown what ("command")
 * and which it could be. */
int cli_find_word(const char *what, const char *word, const char *const *words,
    size_t count);

/* The commands; each returns the exit status. */
int cli_serve(const struct cli *cli);
int cli_check(const struct cli *cli);
int cli_routes(const struct cli *cli);
int cli_plugins(const struct cli *cli);
int cli_status(const struct cli *cli);
int cli_reload(const struct cli *cli);
int cli_stop(const struct cli *cli);
int cli_reset(const struct cli *cli);
int cli_upgrade(const struct cli *cli);
int cli_new(const struct cli *cli);
int cli_try(const struct cli *cli);

#endif
