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
    "       tincan status [--config FILE]  print the state of the running server\n"
    "       tincan reload [--config FILE]  take over what has changed in the file and\n"
    "                                      the plugins, or say why not\n"
    "       tincan stop [--config FILE]    finish what is in flight and end\n"
    "       tincan reset NAME              try a handler that was shut for its crashes\n"
    "       tincan upgrade                 go on with the binary as it is now\n"
    "\n"
    "  -c, --config FILE      the configuration (default for the commands: server.json)\n"
    "  -t, --check            the same as the command check\n"
    "      --log-level LEVEL  debug, info, warn or error, whatever the file says\n"
    "      --json             print the server's answer as it is\n"
    "      --version          print versions and end\n"
    "  -h, --help             print this and end\n"
    "\n"
    "Signals: TERM and INT finish what is in flight and stop, HUP reloads, USR1 reopens\n"
    "the logs, USR2 upgrades.\n"
    "Exit status: 0 done, 1 failed, 2 misuse or bad configuration.\n"
    "More: man tincan\n";

static const struct command {
	const char *name;
	bool has_name;		/* is followed by the name of a handler */
	bool has_json;		/* talks to the server */
} commands[] = {
	{ "serve", false, false }, { "check", false, false }, { "routes", false, false },
	{ "plugins", false, true }, { "status", false, true }, { "reload", false, true },
	{ "stop", false, true }, { "reset", true, true }, { "upgrade", false, true },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const char *const levels[] = { "debug", "info", "warn", "error" };

enum { OPTION_LOG_LEVEL = 256, OPTION_JSON, OPTION_VERSION, OPTION_FOREGROUND };

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "check", no_argument, NULL, 't' },
	{ "help", no_argument, NULL, 'h' },
	{ "json", no_argument, NULL, OPTION_JSON },
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
	case OPTION_JSON:
		cli->json = true;
		return -1;
	case OPTION_VERSION:
		return say_version();
	case OPTION_FOREGROUND:
		/* The only way there is; a habit from other servers. */
		return -1;
	default:
		return misuse();
	}
}

/* The row of the command; serve's if there is none. NULL after saying what is wrong. */
static const struct command *find_command(const struct cli *cli)
{
	const char *names[COMMANDS];
	int found;

	for (size_t i = 0; i < COMMANDS; i++) {
		names[i] = commands[i].name;
	}
	found = cli->command == NULL ? 0 :
	    find_word("command", cli->command, names, COMMANDS);
	return found < 0 ? NULL : &commands[found];
}

/* The words that are no options: a command, and what belongs to it. */
static int take_words(int count, char **words, struct cli *cli)
{
	const struct command *command;
	int taken = 0;

	if (count > 0) {
		cli->command = words[taken++];
	}
	command = find_command(cli);
	if (command == NULL) {
		return misuse();
	}
	if (command->has_name && taken == count) {
		fprintf(stderr, "tincan: '%s' needs a handler's name\n", cli->command);
		return misuse();
	}
	if (command->has_name) {
		cli->name = words[taken++];
	}
	if (taken < count) {
		fprintf(stderr, "tincan: one word too many: '%s'\n", words[taken]);
		return misuse();
	}
	if (cli->json && !command->has_json) {
		fprintf(stderr, "tincan: '--json' is not for '%s'\n", command->name);
		return misuse();
	}
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
	if (status < 0) {
		status = take_words(argc - optind, argv + optind, cli);
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
