/* SPDX-License-Identifier: MIT */
/* Words and options. */
#include "cli/cli.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/text.h"
#include "tincan/handler.h"

#define DEFAULT_CONFIG "server.json"
#define DEFAULT_TIMEOUT_MS 30000
#define MAX_TIMEOUT_S 86400

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
    "       tincan new NAME [--kind KIND]  write a handler to start from into a folder\n"
    "                                      of that name, with a test and a Makefile\n"
    "       tincan try FILE METHOD TARGET  run one request through a handler's file,\n"
    "                                      without a server, and print the reply\n"
    "\n"
    "  -c, --config FILE      the configuration (default for the commands: server.json)\n"
    "  -t, --check            the same as the command check\n"
    "      --log-level LEVEL  debug, info, warn or error, whatever the file says\n"
    "      --json             print the server's answer as it is\n"
    "      --version          print versions and end\n"
    "  -h, --help             print this and end\n"
    "\n"
    "Of new:\n"
    "      --kind KIND        http (default), websocket, stream or filter\n"
    "\n"
    "Of try, which is for requests alone, not for WebSockets and streams. A filter\n"
    "stands before a handler that tells what it got.\n"
    "  -d, --data TEXT        the request's content; @FILE: what is in the file\n"
    "  -H, --header FIELD     a field of its header, 'name: value'; again for more\n"
    "      --route PATTERN    where the handler is to answer (default: its own route)\n"
    "      --settings JSON    what the route tells the handler; @FILE: in the file\n"
    "      --timeout SECONDS  how long it may take (default: 30)\n"
    "\n"
    "Signals: TERM and INT finish what is in flight and stop, HUP reloads, USR1 reopens\n"
    "the logs, USR2 upgrades.\n"
    "Exit status: 0 done, 1 failed, 2 misuse or bad configuration.\n"
    "More: man tincan\n";

/* Which options a command takes, beside --help and --version. */
enum {
	TAKES_CONFIG = 1,
	TAKES_JSON = 2,		/* talks to the server */
	TAKES_LEVEL = 4,
	TAKES_KIND = 8,
	TAKES_REQUEST = 16,
	TAKES_ALWAYS = 32
};
#define SERVES (TAKES_ALWAYS | TAKES_CONFIG | TAKES_LEVEL)
#define ASKS (SERVES | TAKES_JSON)

static const struct command {
	const char *name;
	unsigned takes;
	const char *words[CLI_WORDS];	/* what must follow it */
} commands[] = {
	{ "serve", SERVES, { NULL } },
	{ "check", SERVES, { NULL } },
	{ "routes", SERVES, { NULL } },
	{ "plugins", ASKS, { NULL } },
	{ "status", ASKS, { NULL } },
	{ "reload", ASKS, { NULL } },
	{ "stop", ASKS, { NULL } },
	{ "reset", ASKS, { "a handler's name" } },
	{ "upgrade", ASKS, { NULL } },
	{ "new", TAKES_ALWAYS | TAKES_KIND, { "a name for the handler" } },
	{ "try", TAKES_ALWAYS | TAKES_LEVEL | TAKES_REQUEST,
	    { "a handler's file", "a method", "a target" } },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const char *const levels[] = { "debug", "info", "warn", "error" };

enum {
	OPTION_LOG_LEVEL = 256, OPTION_JSON, OPTION_VERSION, OPTION_FOREGROUND,
	OPTION_KIND, OPTION_ROUTE, OPTION_SETTINGS, OPTION_TIMEOUT
};

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "check", no_argument, NULL, 't' },
	{ "help", no_argument, NULL, 'h' },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "log-level", required_argument, NULL, OPTION_LOG_LEVEL },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ "foreground", no_argument, NULL, OPTION_FOREGROUND },
	{ "kind", required_argument, NULL, OPTION_KIND },
	{ "data", required_argument, NULL, 'd' },
	{ "header", required_argument, NULL, 'H' },
	{ "route", required_argument, NULL, OPTION_ROUTE },
	{ "settings", required_argument, NULL, OPTION_SETTINGS },
	{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
	{ NULL, 0, NULL, 0 },
};

#define OPTIONS (sizeof(options) / sizeof(options[0]) - 1)

/* In the order of options. */
static const unsigned option_takers[OPTIONS] = { TAKES_CONFIG, TAKES_CONFIG,
	TAKES_ALWAYS, TAKES_JSON, TAKES_LEVEL, TAKES_ALWAYS, TAKES_CONFIG, TAKES_KIND,
	TAKES_REQUEST, TAKES_REQUEST, TAKES_REQUEST, TAKES_REQUEST, TAKES_REQUEST };

static int misuse(void)
{
	fputs("  hint: tincan --help\n", stderr);
	return CLI_MISUSE;
}

int cli_find_word(const char *what, const char *word, const char *const *words,
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

static int take_level(struct cli *cli)
{
	int level = cli_find_word("log level", optarg, levels, 4);

	cli->log_level = level + 1;
	return level < 0 ? CLI_MISUSE : -1;
}

static int take_field(struct cli *cli)
{
	if (cli->field_count == CLI_FIELDS) {
		fprintf(stderr, "tincan: more than %d times '--header'\n", CLI_FIELDS);
		return misuse();
	}
	cli->fields[cli->field_count++] = optarg;
	return -1;
}

static int take_timeout(struct cli *cli)
{
	size_t digits = strspn(optarg, "0123456789");
	unsigned long seconds = strtoul(optarg, NULL, 10);

	if (digits == 0 || optarg[digits] != '\0' || seconds == 0 ||
	    seconds > MAX_TIMEOUT_S) {
		fprintf(stderr, "tincan: --timeout: expected 1..%d seconds, found '%s'\n",
		    MAX_TIMEOUT_S, optarg);
		return misuse();
	}
	cli->timeout_ms = (uint32_t)seconds * 1000;
	return -1;
}

/* Of try and new. */
static int take_author_option(int option, struct cli *cli)
{
	switch (option) {
	case 'd':
		cli->data = optarg;
		return -1;
	case 'H':
		return take_field(cli);
	case OPTION_KIND:
		cli->kind = optarg;
		return -1;
	case OPTION_ROUTE:
		cli->route = optarg;
		return -1;
	case OPTION_SETTINGS:
		cli->settings = optarg;
		return -1;
	case OPTION_TIMEOUT:
		return take_timeout(cli);
	default:
		return misuse();
	}
}

static int take_option(int option, struct cli *cli)
{
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
		return take_level(cli);
	case OPTION_JSON:
		cli->json = true;
		return -1;
	case OPTION_VERSION:
		return say_version();
	case OPTION_FOREGROUND:
		/* The only way there is; a habit from other servers. */
		return -1;
	default:
		return take_author_option(option, cli);
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
	    cli_find_word("command", cli->command, names, COMMANDS);
	return found < 0 ? NULL : &commands[found];
}

/* given: by the index of the option. */
static int check_options(const struct command *command, const bool given[OPTIONS])
{
	for (size_t i = 0; i < OPTIONS; i++) {
		if (given[i] && (option_takers[i] & command->takes) == 0) {
			fprintf(stderr, "tincan: '--%s' is not for '%s'\n",
			    options[i].name, command->name);
			return misuse();
		}
	}
	return -1;
}

/* Of a word that is none: many programs take the name of their file so. */
static int refuse_word(const struct command *command, const char *word)
{
	if (command != NULL) {
		fprintf(stderr, "tincan: one word too many: '%s'\n", word);
	}
	if (strpbrk(word, "./") == NULL ||
	    (command != NULL && (command->takes & TAKES_CONFIG) == 0)) {
		return misuse();
	}
	fprintf(stderr, "  hint: '--config %s' names the configuration\n", word);
	return CLI_MISUSE;
}

/* The words that are no options: a command, and what belongs to it. */
static int take_words(int count, char **words, struct cli *cli,
    const bool given[OPTIONS])
{
	const struct command *command;
	int taken = 0;

	if (count > 0) {
		cli->command = words[taken++];
	}
	if (cli->command != NULL && strcmp(cli->command, "help") == 0) {
		return take_option('h', cli);
	}
	command = find_command(cli);
	if (command == NULL) {
		return refuse_word(NULL, words[0]);
	}
	for (int i = 0; i < CLI_WORDS && command->words[i] != NULL; i++) {
		if (taken == count) {
			fprintf(stderr, "tincan: '%s' needs %s\n", cli->command,
			    command->words[i]);
			return misuse();
		}
		cli->words[i] = words[taken++];
	}
	if (taken < count) {
		return refuse_word(command, words[taken]);
	}
	return check_options(command, given);
}

static void note_option(int option, bool given[OPTIONS])
{
	for (size_t i = 0; i < OPTIONS; i++) {
		given[i] = given[i] || options[i].val == option;
	}
}

int cli_parse(int argc, char **argv, struct cli *cli)
{
	bool given[OPTIONS] = { false };
	int option;
	int status = -1;

	*cli = (struct cli){ .timeout_ms = DEFAULT_TIMEOUT_MS };
	while (status < 0 &&
	    (option = getopt_long(argc, argv, "c:d:H:th", options, NULL)) != -1) {
		note_option(option, given);
		status = take_option(option, cli);
	}
	if (status < 0) {
		status = take_words(argc - optind, argv + optind, cli, given);
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
