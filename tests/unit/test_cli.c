/* SPDX-License-Identifier: MIT */
/* The command line: what a person may type, and what is said to what they may not. */
#include "cli/cli.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

#define WORDS 6

static const struct {
	const char *argv[WORDS];
	int status;		/* -1: go on */
	const char *command;
	const char *config;
	int log_level;
} lines[] = {
	{ { "--config", "a.json" }, -1, "serve", "a.json", 0 },
	{ { "-c", "a.json", "--foreground" }, -1, "serve", "a.json", 0 },
	{ { "--config=a.json", "--log-level", "debug" }, -1, "serve", "a.json", 1 },
	{ { "serve" }, -1, "serve", "server.json", 0 },
	{ { "check" }, -1, "check", "server.json", 0 },
	{ { "check", "--config", "b.json" }, -1, "check", "b.json", 0 },
	{ { "--config", "b.json", "check" }, -1, "check", "b.json", 0 },
	{ { "--check", "-c", "b.json" }, -1, "check", "b.json", 0 },
	{ { "routes" }, -1, "routes", "server.json", 0 },
	{ { "plugins", "--log-level=error" }, -1, "plugins", "server.json", 4 },
	{ { "--version" }, CLI_DONE, NULL, NULL, 0 },
	{ { "--help" }, CLI_DONE, NULL, NULL, 0 },
	{ { NULL }, CLI_MISUSE, NULL, NULL, 0 },
	{ { "chekc" }, CLI_MISUSE, NULL, NULL, 0 },
	{ { "check", "twice" }, CLI_MISUSE, NULL, NULL, 0 },
	{ { "--config" }, CLI_MISUSE, NULL, NULL, 0 },
	{ { "--nonsense" }, CLI_MISUSE, NULL, NULL, 0 },
	{ { "--log-level", "loud" }, CLI_MISUSE, NULL, NULL, 0 },
};

START_TEST(understands_or_refuses_a_line)
{
	char text[WORDS + 1][32] = { "tincan" };
	char *argv[WORDS + 2] = { text[0] };
	struct cli cli;
	int argc = 1;

	/* getopt's own state, from the top. */
	optind = 0;
	for (; lines[_i].argv[argc - 1] != NULL; argc++) {
		snprintf(text[argc], sizeof(text[argc]), "%s", lines[_i].argv[argc - 1]);
		argv[argc] = text[argc];
	}
	ck_assert_int_eq(cli_parse(argc, argv, &cli), lines[_i].status);
	if (lines[_i].status == -1) {
		ck_assert_str_eq(cli.command, lines[_i].command);
		ck_assert_str_eq(cli.config, lines[_i].config);
		ck_assert_int_eq(cli.log_level, lines[_i].log_level);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cli");
	TCase *tests = tcase_create("cli");

	tcase_add_loop_test(tests, understands_or_refuses_a_line, 0,
	    sizeof(lines) / sizeof(lines[0]));
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
