/* SPDX-License-Identifier: MIT */
/* Passphrase commands: what they print, and what is said of those that print nothing. */
#include "master/passphrases.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "configs.h"
#include "tls/passphrase.h"

static struct loop *loop;
static struct config *config;
static struct passphrases *passphrases;

static void set_up(void)
{
	loop = loop_new();
	config = NULL;
	passphrases = NULL;
}

static void tear_down(void)
{
	passphrases_free(passphrases);
	loop_run_deferred(loop);
	config_free(config);
	loop_free(loop);
}

static void on_done(void *arg)
{
	loop_stop(arg);
}

#define CERTIFICATE(key_, command_) "{\"chain\":\"a\",\"key\":\"" key_ \
	"\",\"passphrase_command\":[" command_ "]}"
#define PLAIN "{\"chain\":\"b\",\"key\":\"b\"}"
#define SHELL(text_) "\"sh\",\"-c\",\"" text_ "\""

static void start(const char *certificates)
{
	char text[2048];

	snprintf(text, sizeof(text), "{\"certificates\":[%s]}", certificates);
	config = configs_parse("f", text);
	passphrases = passphrases_start(loop, config, on_done, loop);
}

static void run(const char *certificates)
{
	start(certificates);
	loop_run(loop);
}

static void assert_printed(size_t certificate, const char *expected)
{
	char text[TLS_PASSPHRASE_BYTES];

	ck_assert_ptr_null(passphrases_failure(passphrases, certificate));
	ck_assert_int_eq(tls_passphrase_read(passphrases_fd(passphrases, certificate),
	    text), 0);
	ck_assert_str_eq(text, expected);
}

static void assert_failed(const char *command, const char *expected)
{
	char certificate[1024];

	snprintf(certificate, sizeof(certificate),
	    CERTIFICATE("a", "%s"), command);
	run(certificate);
	ck_assert_ptr_nonnull(passphrases_failure(passphrases, 0));
	ck_assert_str_eq(passphrases_failure(passphrases, 0), expected);
	ck_assert_int_eq(passphrases_fd(passphrases, 0), -1);
}

START_TEST(what_each_prints_is_for_its_certificate)
{
	run(CERTIFICATE("a", "\"echo\",\"one\"") "," PLAIN ","
	    CERTIFICATE("c", SHELL("printf two; cat")));
	assert_printed(0, "one");
	assert_printed(2, "two");
	ck_assert_int_eq(passphrases_fd(passphrases, 1), -1);
	ck_assert_ptr_null(passphrases_failure(passphrases, 1));
}
END_TEST

START_TEST(without_commands_it_is_done_at_once)
{
	run(PLAIN);
	ck_assert_int_eq(passphrases_fd(passphrases, 0), -1);
	ck_assert_int_eq(passphrases_fd(NULL, 0), -1);
	ck_assert_ptr_null(passphrases_failure(NULL, 0));
}
END_TEST

START_TEST(what_key_and_command_have_in_common_is_run_once)
{
	/* No two processes have a number in common. */
	run(CERTIFICATE("a", SHELL("echo $$")) "," CERTIFICATE("a", SHELL("echo $$")) ","
	    CERTIFICATE("b", SHELL("echo $$")) "," CERTIFICATE("a", SHELL("echo $$;")));
	ck_assert_int_eq(passphrases_fd(passphrases, 0), passphrases_fd(passphrases, 1));
	ck_assert_int_ne(passphrases_fd(passphrases, 0), passphrases_fd(passphrases, 2));
	ck_assert_int_ne(passphrases_fd(passphrases, 0), passphrases_fd(passphrases, 3));
}
END_TEST

START_TEST(more_than_may_run_at_once_have_their_turns)
{
	char text[2048] = PLAIN;

	for (int i = 0; i < 20; i++) {
		size_t size = strlen(text);

		snprintf(text + size, sizeof(text) - size,
		    "," CERTIFICATE("%d", "\"echo\",\"%d\""), i, i);
	}
	run(text);
	for (int i = 0; i < 20; i++) {
		char expected[8];

		snprintf(expected, sizeof(expected), "%d", i);
		assert_printed((size_t)i + 1, expected);
	}
}
END_TEST

START_TEST(a_command_that_fails_says_why)
{
	assert_failed(SHELL("echo secret; echo the vault is shut >&2; exit 3"),
	    "'sh' ended with status 3: the vault is shut");
}
END_TEST

START_TEST(a_command_that_is_killed_is_told)
{
	assert_failed(SHELL("kill -9 $$"), "'sh' was ended by signal 9");
}
END_TEST

START_TEST(a_command_that_is_not_there_is_told)
{
	assert_failed("\"/no/such/program\"",
	    "'/no/such/program' ended with status 127: No such file or directory");
}
END_TEST

START_TEST(a_command_has_no_input_and_no_descriptor_of_ours)
{
	run(CERTIFICATE("a", SHELL("test \\\"$(cat; ls /proc/self/fd | tr '\\\\n' ' ')"
	    "\\\" = '0 1 2 3 ' && echo good")));
	assert_printed(0, "good");
}
END_TEST

START_TEST(a_command_that_prints_on_and_on_is_told_so)
{
	assert_failed(SHELL("head -c 100000 /dev/zero 2>&1 >&1 || exit 9"),
	    "'sh' ended with status 9");
}
END_TEST

START_TEST(what_still_runs_can_be_left)
{
	start(CERTIFICATE("a", "\"sleep\",\"1000\""));
	passphrases_free(passphrases);
	passphrases = NULL;
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("passphrases");
	TCase *tcase = tcase_create("passphrases");

	signal(SIGPIPE, SIG_IGN);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, what_each_prints_is_for_its_certificate);
	tcase_add_test(tcase, without_commands_it_is_done_at_once);
	tcase_add_test(tcase, what_key_and_command_have_in_common_is_run_once);
	tcase_add_test(tcase, more_than_may_run_at_once_have_their_turns);
	tcase_add_test(tcase, a_command_that_fails_says_why);
	tcase_add_test(tcase, a_command_that_is_killed_is_told);
	tcase_add_test(tcase, a_command_that_is_not_there_is_told);
	tcase_add_test(tcase, a_command_has_no_input_and_no_descriptor_of_ours);
	tcase_add_test(tcase, a_command_that_prints_on_and_on_is_told_so);
	tcase_add_test(tcase, what_still_runs_can_be_left);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
