/* SPDX-License-Identifier: MIT */
/* The filter headers: what it changes, and the settings that it refuses. */
#include "../../plugins/headers.c"

#include "filter_rig.h"

/* The fields of a reply after a filter with these settings. */
static const char *changed(const char *settings, int status, const char *fields)
{
	static char text[4096];

	filter_open(settings);
	filter_begin(HTTP_GET, "");
	ck_assert_int_eq(filter_reply(status, fields), TC_OK);
	snprintf(text, sizeof(text), "%s", filter_fields());
	filter_end();
	filter_close();
	return text;
}

START_TEST(set_replaces_all_of_that_name)
{
	ck_assert_str_eq(changed("{ \"set\": { \"Server\": \"x\" } }", 200,
	    "server: a\nserver: b\ncontent-type: text/plain\n"),
	    "content-type: text/plain\nserver: x\n");
}
END_TEST

START_TEST(default_leaves_what_is_there)
{
	const char *settings = "{ \"default\": { \"Cache-Control\": \"no-store\" } }";

	ck_assert_str_eq(changed(settings, 200, "cache-control: max-age=60\n"),
	    "cache-control: max-age=60\n");
	ck_assert_str_eq(changed(settings, 200, ""), "cache-control: no-store\n");
}
END_TEST

START_TEST(add_puts_one_or_several_beside_those_there)
{
	ck_assert_str_eq(changed("{ \"add\":"
	    "{ \"Link\": [\"<b>\", \"<c>\"], \"A\": \"1\" } }", 200, "link: <a>\n"),
	    "link: <a>\nlink: <b>\nlink: <c>\na: 1\n");
}
END_TEST

START_TEST(removes_first_and_adds_last)
{
	ck_assert_str_eq(changed("{ \"add\": { \"A\": \"3\" }, \"set\": { \"A\": \"2\" },"
	    "\"default\": { \"A\": \"no\" }, \"remove\": [\"a\", \"B\"] }", 200,
	    "a: 1\nb: 1\nc: 1\n"), "c: 1\na: 2\na: 3\n");
}
END_TEST

START_TEST(changes_replies_of_every_status)
{
	const char *settings = "{ \"set\": { \"A\": \"1\" } }";

	ck_assert_str_eq(changed(settings, 200, ""), "a: 1\n");
	ck_assert_str_eq(changed(settings, 304, ""), "a: 1\n");
	ck_assert_str_eq(changed(settings, 404, ""), "a: 1\n");
	ck_assert_str_eq(changed(settings, 599, ""), "a: 1\n");
}
END_TEST

START_TEST(changes_replies_of_the_statuses_named)
{
	const char *settings = "{ \"status\": [404, \"410\", \"5xx\"],"
	    "\"set\": { \"A\": \"1\" } }";
	static const int with[] = { 404, 410, 500, 503, 599 };
	static const int without[] = { 200, 304, 400, 403, 405, 409, 411, 499 };

	for (size_t i = 0; i < sizeof(with) / sizeof(*with); i++) {
		ck_assert_str_eq(changed(settings, with[i], ""), "a: 1\n");
	}
	for (size_t i = 0; i < sizeof(without) / sizeof(*without); i++) {
		ck_assert_str_eq(changed(settings, without[i], ""), "");
	}
}
END_TEST

START_TEST(changes_the_request)
{
	filter_open("{ \"request\": { \"set\": { \"X-From\": \"edge\" },"
	    "\"remove\": [\"Cookie\"] } }");
	filter_begin(HTTP_GET, "cookie: a=b\nx-from: me\naccept: */*\n");
	ck_assert_int_eq(tincan_handler_1.on_filter((tc_req *)&filter), TC_NEXT);
	ck_assert_ptr_null(filter_header(NULL, "cookie"));
	ck_assert_str_eq(filter_header(NULL, "x-from"), "edge");
	ck_assert_str_eq(filter_header(NULL, "accept"), "*/*");
	ck_assert_int_eq(filter_reply(200, "cookie: a=b\n"), TC_OK);
	ck_assert_str_eq(filter_fields(), "cookie: a=b\n");
	filter_end();
	filter_close();
}
END_TEST

static int refuse_field(tc_req *r, const char *name, const char *value)
{
	(void)r;
	(void)name;
	(void)value;
	return TC_NOMEM;
}

START_TEST(a_change_that_fails_fails_the_request)
{
	filter_open("{ \"set\": { \"A\": \"1\" },"
	    "\"request\": { \"remove\": [\"B\"] } }");
	filter_begin(HTTP_GET, "");
	tc.set_header = refuse_field;
	tc.set_request_header = refuse_field;
	ck_assert_int_eq(tincan_handler_1.on_filter((tc_req *)&filter), TC_NOMEM);
	ck_assert_int_eq(filter_reply(200, ""), TC_NOMEM);
	filter_end();
	filter_close();
}
END_TEST

START_TEST(no_settings_change_nothing)
{
	ck_assert_str_eq(changed("{}", 200, "a: 1\n"), "a: 1\n");
	ck_assert_str_eq(changed("{ \"set\": null, \"remove\": null, \"status\": null,"
	    "\"add\": {}, \"default\": { \"B\": null }, \"request\": null }", 200,
	    "a: 1\n"), "a: 1\n");
}
END_TEST

START_TEST(takes_every_name_and_value_that_a_field_may_have)
{
	ck_assert_str_eq(changed("{ \"set\": { \"!#$%&'*+-.^_`|~09azAZ\": \"\","
	    "\"B\": \"a\\tb c\\u00fc\\\"\" } }", 200, ""),
	    "!#$%&'*+-.^_`|~09azaz: \nb: a\tb c\xc3\xbc\"\n");
}
END_TEST

static const char expected_name[] =
    "expected a field name: letters, digits and !#$%&'*+-.^_`|~\n";

START_TEST(refuses_what_no_field_may_be_called)
{
	static const char *const names[] = { "", "a b", "a:", "a\\u00fc", "(a)", "a\\n" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char settings[100];
		char expected[200];

		snprintf(settings, sizeof(settings), "{ \"remove\": [\"%s\"] }",
		    names[i]);
		snprintf(expected, sizeof(expected), ".remove[0]: %s", expected_name);
		filter_refuse(settings, expected);
	}
	filter_refuse("{ \"set\": { \"a b\": \"c\" } }",
	    ".set.a b: expected a field name: letters, digits and !#$%&'*+-.^_`|~\n");
}
END_TEST

START_TEST(refuses_a_name_that_is_too_long)
{
	char settings[400];
	char name[NAME_BYTES + 2];

	memset(name, 'n', sizeof(name));
	name[NAME_BYTES] = '\0';
	snprintf(settings, sizeof(settings), "{ \"set\": { \"%s\": \"\" } }", name);
	filter_open(settings);
	filter_close();
	name[NAME_BYTES] = 'n';
	name[NAME_BYTES + 1] = '\0';
	snprintf(settings, sizeof(settings), "{ \"set\": { \"%s\": \"\" } }", name);
	filter_refuse(settings,
	    ".set: expected a field name of 100 characters at most\n");
}
END_TEST

START_TEST(refuses_what_frames_a_message)
{
	for (size_t i = 0; i < sizeof(framing) / sizeof(*framing); i++) {
		char settings[100];
		char expected[200];

		snprintf(settings, sizeof(settings), "{ \"add\": { \"%s\": \"1\" } }",
		    framing[i]);
		snprintf(expected, sizeof(expected),
		    ".add.%s: this field is the server's to send\n", framing[i]);
		filter_refuse(settings, expected);
	}
	filter_refuse("{ \"request\": { \"remove\": [\"tRANSFER-eNCODING\"] } }",
	    ".request.remove[0]: this field is the server's to send\n");
}
END_TEST

START_TEST(refuses_what_no_value_may_hold)
{
	filter_refuse("{ \"set\": { \"A\": \"a\\r\\nB: c\" } }",
	    ".set.A: expected a value without control characters\n");
	filter_refuse("{ \"set\": { \"A\": \"\\u007f\" } }",
	    ".set.A: expected a value without control characters\n");
	filter_refuse("{ \"set\": { \"A\": \" a\" },"
	    "\"add\": { \"B\": [\"b\", \"b\\t\"] } }",
	    ".set.A: expected a value without blanks around it\n"
	    ".add.B[1]: expected a value without blanks around it\n");
}
END_TEST

START_TEST(refuses_settings_of_another_shape)
{
	static const char object[] = "expected an object: { \"Name\": \"value\" }\n";
	char expected[300];

	snprintf(expected, sizeof(expected), ".set: %s.add: %s", object, object);
	filter_refuse("{ \"set\": \"Server\", \"add\": [\"A\"] }", expected);
	filter_refuse("{ \"remove\": \"Server\", \"status\": 404 }",
	    ".remove: expected a list: [\"Name\"]\n"
	    ".status: expected a list: [404, \"5xx\"]\n");
	filter_refuse("{ \"remove\": { \"Server\": true } }",
	    ".remove: expected a list: [\"Name\"]\n");
	filter_refuse("{ \"request\": \"Cookie\" }", ".request: expected an object: "
	    "{ \"set\": ..., \"remove\": ... }\n");
	filter_refuse("{ \"request\": [\"Cookie\"] }",
	    ".request[0]: unknown setting 'request.0'\n");
	filter_refuse("{ \"set\": { \"A\": 1 } }",
	    ".set.A: expected a string, found '1'\n");
}
END_TEST

START_TEST(refuses_what_is_no_status)
{
	static const char *const statuses[] = { "99", "100", "600", "2000", "\"6xx\"",
		"\"1xx\"", "\"20x\"", "\"\"", "true", "[404]", "-40", "4.0" };

	for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
		char settings[100];

		snprintf(settings, sizeof(settings), "{ \"status\": [%s] }", statuses[i]);
		filter_refuse(settings, ".status[0]: expected statuses: 200..599, "
		    "or \"2xx\" to \"5xx\"\n");
	}
}
END_TEST

START_TEST(knows_what_was_probably_meant)
{
	filter_refuse("{ \"sett\": { \"A\": \"1\" } }",
	    ".sett: unknown setting 'sett'\n  hint: did you mean 'set'?\n");
	filter_refuse("{ \"request\": { \"remov\": [] } }", ".request.remov: "
	    "unknown setting 'request.remov'\n  hint: did you mean 'remove'?\n");
	filter_refuse("{ \"request\": { \"add\": { \"A\": \"1\" } } }",
	    ".request.add: unknown setting 'request.add'\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("headers");
	TCase *tests = tcase_create("headers");

	tcase_add_test(tests, set_replaces_all_of_that_name);
	tcase_add_test(tests, default_leaves_what_is_there);
	tcase_add_test(tests, add_puts_one_or_several_beside_those_there);
	tcase_add_test(tests, removes_first_and_adds_last);
	tcase_add_test(tests, changes_replies_of_every_status);
	tcase_add_test(tests, changes_replies_of_the_statuses_named);
	tcase_add_test(tests, changes_the_request);
	tcase_add_test(tests, a_change_that_fails_fails_the_request);
	tcase_add_test(tests, no_settings_change_nothing);
	tcase_add_test(tests, takes_every_name_and_value_that_a_field_may_have);
	tcase_add_test(tests, refuses_what_no_field_may_be_called);
	tcase_add_test(tests, refuses_a_name_that_is_too_long);
	tcase_add_test(tests, refuses_what_frames_a_message);
	tcase_add_test(tests, refuses_what_no_value_may_hold);
	tcase_add_test(tests, refuses_settings_of_another_shape);
	tcase_add_test(tests, refuses_what_is_no_status);
	tcase_add_test(tests, knows_what_was_probably_meant);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
