/* SPDX-License-Identifier: MIT */
/* The command line: what a person may type, and what is said to what they may not. */
#include "cli/cli.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

#define WORDS 7

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
	{ { "plugins", "--json" }, -1, "plugins", "server.json", 0 },
	{ { "status" }, -1, "status", "server.json", 0 },
	{ { "--json", "status", "-c", "b.json" }, -1, "status", "b.json", 0 },
	{ { "reload", "--config", "b.json" }, -1, "reload", "b.json", 0 },
	{ { "stop" }, -1, "stop", "server.json", 0 },
	{ { "upgrade" }, -1, "upgrade", "server.json", 0 },
	{ { "reset", "hello" }, -1, "reset", "server.json", 0 },
	{ { "reset", "-c", "b.json", "hello" }, -1, "reset", "b.json", 0 },
	{ { "try", "x.so", "GET", "/" }, -1, "try", "server.json", 0 },
	{ { "try", "x.so", "GET", "/", "-c", "b.json" }, CLI_MISUSE, NULL, NULL, 0 },
	{ { "try", "x.so", "GET" }, CLI_MISUSE, NULL, NULL, 0 },
	{ { "try", "x.so", "GET", "/", "--timeout=0" }, CLI_MISUSE, NULL, NULL, 0 },
	{ { "try", "x.so", "GET", "/", "--timeout=1s" }, CLI_MISUSE, NULL, NULL, 0 },
	{ { "status", "-d", "text" }, CLI_MISUSE, NULL, NULL, 0 },
	{ { "new", "hi", "--kind", "http" }, -1, "new", "server.json", 0 },
	{ { "new" }, CLI_MISUSE, NULL, NULL, 0 },
	{ { "new", "hi", "-d", "text" }, CLI_MISUSE, NULL, NULL, 0 },
	{ { "reset" }, CLI_MISUSE, NULL, NULL, 0 },
	{ { "reset", "hello", "echo" }, CLI_MISUSE, NULL, NULL, 0 },
	{ { "stop", "hello" }, CLI_MISUSE, NULL, NULL, 0 },
	{ { "--json", "check" }, CLI_MISUSE, NULL, NULL, 0 },
	{ { "--json", "--config", "b.json" }, CLI_MISUSE, NULL, NULL, 0 },
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

START_TEST(knows_whom_to_reset_and_how_to_print)
{
	char words[][16] = { "tincan", "--json", "reset", "hello" };
	char *argv[] = { words[0], words[1], words[2], words[3], NULL };
	struct cli cli;

	optind = 0;
	ck_assert_int_eq(cli_parse(4, argv, &cli), -1);
	ck_assert_str_eq(cli.words[0], "hello");
	ck_assert(cli.json);
	argv[1] = words[2];
	argv[2] = words[3];
	argv[3] = NULL;
	optind = 0;
	ck_assert_int_eq(cli_parse(3, argv, &cli), -1);
	ck_assert_str_eq(cli.words[0], "hello");
	ck_assert(!cli.json);
}
END_TEST

START_TEST(knows_what_to_try)
{
	char words[][24] = { "tincan", "try", "-H", "a: 1", "x.so", "--header=b: 2",
		"PUT", "-d", "@body", "/a", "--timeout", "5" };
	char *argv[sizeof(words) / sizeof(words[0]) + 1] = { NULL };
	struct cli cli;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		argv[i] = words[i];
	}
	optind = 0;
	ck_assert_int_eq(cli_parse(sizeof(words) / sizeof(words[0]), argv, &cli), -1);
	ck_assert_str_eq(cli.words[0], "x.so");
	ck_assert_str_eq(cli.words[1], "PUT");
	ck_assert_str_eq(cli.words[2], "/a");
	ck_assert_uint_eq(cli.field_count, 2);
	ck_assert_str_eq(cli.fields[0], "a: 1");
	ck_assert_str_eq(cli.fields[1], "b: 2");
	ck_assert_str_eq(cli.data, "@body");
	ck_assert_uint_eq(cli.timeout_ms, 5000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cli");
	TCase *tests = tcase_create("cli");

	tcase_add_loop_test(tests, understands_or_refuses_a_line, 0,
	    sizeof(lines) / sizeof(lines[0]));
	tcase_add_test(tests, knows_whom_to_reset_and_how_to_print);
	tcase_add_test(tests, knows_what_to_try);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
