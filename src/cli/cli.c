/* SPDX-License-Identifier: MIT */
/* Words and options. */
#include "cli/cli.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/text.h"
#include "tincan/handler.h"

#define DEFAULT_CONFIG "server.json"

static const char usage[] =
    "usage: tincan --config FILE          serve, in the foreground\n"
    "       tincan check [--config FILE]   report every problem of the file, its\n"
    "                                      plugins and certificates\n"
    "       tincan routes [--config FILE]  print the routes as they are matched\n"
    "       tincan plugins [--config FILE] print the plugins and their state\n"
    "\n"
    "  -c, --config FILE      the configuration (default for the commands: server.json)\n"
    "  -t, --check            the same as the command check\n"
    "      --log-level LEVEL  debug, info, warn or error, whatever the file says\n"
    "      --version          print versions and end\n"
    "  -h, --help             print this and end\n"
    "\n"
    "Signals: TERM and INT finish what is in flight and stop, USR1 reopens the logs.\n"
    "Exit status: 0 done, 1 failed, 2 misuse or bad configuration.\n"
    "More: man tincan\n";

static const char *const commands[] = { "serve", "check", "routes", "plugins" };
static const char *const levels[] = { "debug", "info", "warn", "error" };

enum { OPTION_LOG_LEVEL = 256, OPTION_VERSION, OPTION_FOREGROUND };

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "check", no_argument, NULL, 't' },
	{ "help", no_argument, NULL, 'h' },
	{ "log-level", required_argument, NULL, OPTION_LOG_LEVEL },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ "foreground", no_argument, NULL, OPTION_FOREGROUND },
	{ NULL, 0, NULL, 0 },
};

static int misuse(void)
{
	fputs("  hint: tincan --help\n", stderr);
	return CLI_MISUSE;
}

/* The index of word in words, or -1 after saying what is wrong with it. */
static int find_word(const char *what, const char *word, const char *const *words,
    size_t count)
{
	const char *nearest;

	for (size_t i = 0; i < count; i++) {
		if (strcmp(words[i], word) == 0) {
			return (int)i;
		}
	}
	nearest = text_nearest(word, words, count);
	fprintf(stderr, "tincan: unknown %s '%s'\n", what, word);
	if (nearest != NULL) {
		fprintf(stderr, "  hint: did you mean '%s'\n", nearest);
	}
	return -1;
}

static int say_version(void)
{
	printf("tincan %s\nhandler level %d\n%s\n", PACKAGE_VERSION, TC_LEVEL,
	    OpenSSL_version(OPENSSL_VERSION));
	return CLI_DONE;
}

static int take_option(int option, struct cli *cli)
{
	int level;

	switch (option) {
	case 'c':
		cli->config = optarg;
		return -1;
	case 't':
		cli->command = "check";
		return -1;
	case 'h':
		fputs(usage, stdout);
		return CLI_DONE;
	case OPTION_LOG_LEVEL:
		level = find_word("log level", optarg, levels, 4);
		cli->log_level = level + 1;
		return level < 0 ? CLI_MISUSE : -1;
	case OPTION_VERSION:
		return say_version();
	case OPTION_FOREGROUND:
		/* The only way there is; a habit from other servers. */
		return -1;
	default:
		return misuse();
	}
}

static int take_command(const char *word, struct cli *cli)
{
	if (find_word("command", word, commands, 4) < 0) {
		return misuse();
	}
	cli->command = word;
	return -1;
}

int cli_parse(int argc, char **argv, struct cli *cli)
{
	int option;
	int status = -1;

	*cli = (struct cli){ 0 };
	while (status < 0 &&
	    (option = getopt_long(argc, argv, "c:th", options, NULL)) != -1) {
		status = take_option(option, cli);
	}
	if (status < 0 && optind < argc) {
		status = take_command(argv[optind++], cli);
	}
	if (status < 0 && optind < argc) {
		fprintf(stderr, "tincan: one word too many: '%s'\n", argv[optind]);
		status = misuse();
	}
	if (status < 0 && cli->command == NULL && cli->config == NULL) {
		fputs(usage, stderr);
		status = CLI_MISUSE;
	}
	if (cli->command == NULL) {
		cli->command = "serve";
	}
	if (cli->config == NULL) {
		cli->config = DEFAULT_CONFIG;
	}
	return status;
}
