/* SPDX-License-Identifier: MIT */
/* The error log: its lines, its levels, its file. */
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "folder.h"
#include "unit.h"

static char path[] = "/tmp/tincan-log-XXXXXX";
static const char *text;		/* of it, when it was last read */

static void set_up(void)
{
	close(mkstemp(path));
}

static void tear_down(void)
{
	log_close();
	unlink(path);
}

static const char *content(void)
{
	text = folder_text(path);
	return text;
}

/* The one line there is, as JSON; the caller decrefs. */
static json_t *parsed(void)
{
	json_t *line = json_loads(content(), 0, NULL);

	ck_assert_msg(line != NULL, "%s", text);
	ck_assert_ptr_eq(strchr(text, '\n'), text + strlen(text) - 1);
	return line;
}

static const char *member(const json_t *line, const char *name)
{
	return json_string_value(json_object_get(line, name));
}

START_TEST(writes_json_that_parses)
{
	static const char message[] = "a \"quoted\"\nline\t\\ \x01 \xc3\xa9 \xff";
	json_t *line;

	ck_assert_int_eq(log_open(path, LOG_INFO, true, false), 0);
	log_name("worker 1");
	log_handler(LOG_WARN, "hello", "0123456789abcdef", message, sizeof(message) - 1);
	line = parsed();
	ck_assert_str_eq(member(line, "level"), "warn");
	ck_assert_str_eq(member(line, "process"), "worker 1");
	ck_assert_str_eq(member(line, "handler"), "hello");
	ck_assert_str_eq(member(line, "id"), "0123456789abcdef");
	ck_assert_uint_eq(strlen(member(line, "time")), LOG_TIME_BYTES - 1);
	ck_assert_ptr_nonnull(strstr(member(line, "message"), "a \"quoted\"\nline\t\\ "));
	json_decref(line);
}
END_TEST

START_TEST(writes_text_a_line_each)
{
	ck_assert_int_eq(log_open(path, LOG_INFO, false, true), 0);
	log_name("master");
	log_say(LOG_ERROR, "%s", "two\nlines and \x1b[31m colour");
	ck_assert_ptr_nonnull(strstr(content(), "Z error master: two"));
	ck_assert_ptr_eq(strchr(text, '\n'), text + strlen(text) - 1);
	ck_assert_ptr_null(strchr(text, '\x1b'));
}
END_TEST

START_TEST(leaves_out_what_is_below_its_level)
{
	ck_assert_int_eq(log_open(path, LOG_WARN, true, false), 0);
	log_say(LOG_INFO, "quiet");
	log_handler(LOG_DEBUG, "hello", NULL, "quiet", 5);
	ck_assert_str_eq(content(), "");
	log_say(LOG_WARN, "loud");
	ck_assert_ptr_nonnull(strstr(content(), "loud"));
}
END_TEST

START_TEST(cuts_what_is_too_long)
{
	static char long_text[100000];
	json_t *line;

	memset(long_text, 'x', sizeof(long_text) - 1);
	ck_assert_int_eq(log_open(path, LOG_INFO, true, false), 0);
	_i == 0 ? log_say(LOG_INFO, "%s", long_text)
		: log_handler(LOG_INFO, "hello", NULL, long_text, sizeof(long_text) - 1);
	line = parsed();
	ck_assert_uint_lt(strlen(member(line, "message")), 10000);
	ck_assert_uint_eq(log_lost(), 0);
	json_decref(line);
}
END_TEST

START_TEST(keeps_the_old_log_if_the_new_one_fails)
{
	ck_assert_int_eq(log_open(path, LOG_INFO, true, false), 0);
	ck_assert_int_eq(log_open("/nowhere/log", LOG_INFO, true, false), ERR_SYSTEM);
	log_say(LOG_INFO, "still here");
	ck_assert_ptr_nonnull(strstr(content(), "still here"));
}
END_TEST

START_TEST(goes_on_in_a_new_file)
{
	ck_assert_int_eq(log_reopen(), 0);
	ck_assert_int_eq(log_open(path, LOG_INFO, true, false), 0);
	log_say(LOG_INFO, "before");
	unlink(path);
	ck_assert_int_eq(log_reopen(), 0);
	log_say(LOG_INFO, "after");
	ck_assert_ptr_null(strstr(content(), "before"));
	ck_assert_ptr_nonnull(strstr(text, "after"));
}
END_TEST

START_TEST(writes_times)
{
	char out[LOG_TIME_BYTES];

	log_time(INT64_C(1795358641123456), out);
	ck_assert_str_eq(out, "2026-11-22T14:44:01.123456Z");
	log_time(0, out);
	ck_assert_str_eq(out, "1970-01-01T00:00:00.000000Z");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("log");
	TCase *tests = tcase_create("log");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, writes_json_that_parses);
	tcase_add_test(tests, writes_text_a_line_each);
	tcase_add_test(tests, leaves_out_what_is_below_its_level);
	tcase_add_loop_test(tests, cuts_what_is_too_long, 0, 2);
	tcase_add_test(tests, keeps_the_old_log_if_the_new_one_fails);
	tcase_add_test(tests, goes_on_in_a_new_file);
	tcase_add_test(tests, writes_times);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
