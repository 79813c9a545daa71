/* SPDX-License-Identifier: MIT */
/* The command line: words and options in, one of the commands out. Boot only. */
#ifndef TINCAN_CLI_CLI_H
#define TINCAN_CLI_CLI_H

#include <stdbool.h>

enum {
	CLI_DONE = 0,
	CLI_FAILED = 1,
	CLI_MISUSE = 2		/* of the command line, or a bad configuration */
};

struct cli {
	const char *command;	/* "serve", "check", ...; borrowed from argv */
	const char *config;	/* the file's name */
	const char *name;	/* of the handler to reset; NULL for other commands */
	int log_level;		/* 0: as the configuration says */
	bool json;		/* print answers as they are */
};

/* Fills in cli. Returns -1 to go on, else the exit status of the process, all being
 * said. */
int cli_parse(int argc, char **argv, struct cli *cli);

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

#endif
