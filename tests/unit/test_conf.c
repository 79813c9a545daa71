/* SPDX-License-Identifier: MIT */
#include "plugin/conf.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

static struct settings settings;
static struct problems problems;
static struct conf conf;

static struct setting *add(const char *path, enum setting_type type, const char *text,
    const char *json)
{
	char where[100];

	snprintf(where, sizeof(where), "server.json:9: routes[0].settings%s%s",
	    path[0] == '\0' ? "" : ".", path);
	return settings_add(&settings, path, type, text, json, where);
}

/* { "name": "Ada", "rate": 5, "share": 0.5, "on": true, "gone": null,
 *   "limits": { "low": 1, "high": 9 }, "list": [ 1 ] } */
static void set_up(void)
{
	settings_init(&settings);
	problems_init(&problems);
	add("", SETTING_OBJECT, "{...}", "{...}")->length = 7;
	add("name", SETTING_STRING, "Ada", "\"Ada\"");
	add("rate", SETTING_INT, "5", "5")->integer = 5;
	add("share", SETTING_REAL, "0.5", "0.5");
	add("on", SETTING_BOOL, "true", "true")->integer = 1;
	add("gone", SETTING_NULL, "null", "null");
	add("limits", SETTING_OBJECT, "{\"low\":1,\"high\":9}",
	    "{\"low\":1,\"high\":9}")->length = 2;
	add("limits.low", SETTING_INT, "1", "1")->integer = 1;
	add("limits.high", SETTING_INT, "9", "9")->integer = 9;
	add("list", SETTING_ARRAY, "[1]", "[1]")->length = 1;
	add("list.0", SETTING_INT, "1", "1")->integer = 1;
	conf_init(&conf, &settings, "/etc", "server.json:8: routes[0]", &problems);
}

static void tear_down(void)
{
	conf_release(&conf);
	problems_release(&problems);
	settings_release(&settings);
}

static void ask_all_but(const char *left_out)
{
	for (size_t i = 0; i < settings.count; i++) {
		settings.items[i].asked = strcmp(settings.items[i].path, left_out) != 0;
	}
}

static void expect_problem(const char *where, const char *what, const char *hint)
{
	ck_assert_uint_eq(problems.count, 1);
	ck_assert_str_eq(problems.items[0].where, where);
	ck_assert_str_eq(problems.items[0].what, what);
	if (hint == NULL) {
		ck_assert_ptr_null(problems.items[0].hint);
	} else {
		ck_assert_str_eq(problems.items[0].hint, hint);
	}
}

START_TEST(gives_each_type)
{
	ck_assert_str_eq(conf_string(&conf, "name", "x"), "Ada");
	ck_assert_int_eq(conf_integer(&conf, "rate", 0, 1, 10), 5);
	ck_assert_int_eq(conf_boolean(&conf, "on", 0), 1);
	ck_assert_int_eq(conf_integer(&conf, "limits.high", 0, 0, 9), 9);
	ck_assert_int_eq(conf_length(&conf, "limits"), 2);
	ck_assert_int_eq(conf_length(&conf, "list"), 1);
	ck_assert_int_eq(conf_length(&conf, ""), 7);
	ck_assert_int_eq(conf_length(&conf, "rate"), -1);
	ck_assert_uint_eq(problems.count, 0);
}
END_TEST

START_TEST(gives_defaults_for_what_is_not_there_or_null)
{
	ck_assert_str_eq(conf_string(&conf, "none", "x"), "x");
	ck_assert_ptr_null(conf_string(&conf, "gone", NULL));
	ck_assert_int_eq(conf_integer(&conf, "none", 7, 1, 10), 7);
	ck_assert_int_eq(conf_boolean(&conf, "gone", 1), 1);
	ck_assert_int_eq(conf_length(&conf, "none"), -1);
	ck_assert_ptr_null(conf_child(&conf, "none", 0));
	ck_assert_ptr_null(conf_file(&conf, "none", NULL));
	ck_assert_uint_eq(problems.count, 0);
}
END_TEST

START_TEST(names_the_entries_of_an_object)
{
	ck_assert_str_eq(conf_child(&conf, "limits", 0), "low");
	ck_assert_str_eq(conf_child(&conf, "limits", 1), "high");
	ck_assert_ptr_null(conf_child(&conf, "limits", 2));
	ck_assert_ptr_null(conf_child(&conf, "limits", -1));
	ck_assert_ptr_null(conf_child(&conf, "list", 0));
	ck_assert_str_eq(conf_child(&conf, "", 0), "name");
}
END_TEST

START_TEST(gives_json_and_takes_all_inside_as_asked_for)
{
	size_t size;

	ck_assert_str_eq(conf_text(&conf, "limits", &size), "{\"low\":1,\"high\":9}");
	ck_assert_uint_eq(size, strlen("{\"low\":1,\"high\":9}"));
	ck_assert(settings_find(&settings, "limits.high")->asked);
	ck_assert(!settings_find(&settings, "list")->asked);
	ck_assert_ptr_null(conf_text(&conf, "none", &size));
	ck_assert_uint_eq(size, 0);
	ck_assert_ptr_nonnull(conf_text(&conf, "", &size));
	conf_finish(&conf, true);
	ck_assert_uint_eq(problems.count, 0);
}
END_TEST

START_TEST(makes_file_names_absolute)
{
	add("file", SETTING_STRING, "www/index", "\"www/index\"");
	add("root", SETTING_STRING, "/srv/www", "\"/srv/www\"");
	ck_assert_str_eq(conf_file(&conf, "file", NULL), "/etc/www/index");
	ck_assert_str_eq(conf_file(&conf, "root", NULL), "/srv/www");
	ck_assert_str_eq(conf_file(&conf, "none", "www"), "/etc/www");
	ck_assert_str_eq(conf_file(&conf, "none", "/www"), "/www");
}
END_TEST

START_TEST(a_relative_folder_becomes_absolute)
{
	struct conf other;

	conf_init(&other, &settings, ".", "x", &problems);
	ck_assert(other.directory[0] == '/');
	conf_release(&other);
}
END_TEST

START_TEST(reports_a_string_that_should_be_a_number)
{
	ck_assert_int_eq(conf_integer(&conf, "name", 3, 0, 9), 3);
	expect_problem("server.json:9: routes[0].settings.name",
	    "expected a whole number, found the string 'Ada'", NULL);
}
END_TEST

START_TEST(reports_a_number_that_should_be_a_string)
{
	ck_assert_str_eq(conf_string(&conf, "rate", "x"), "x");
	expect_problem("server.json:9: routes[0].settings.rate",
	    "expected a string, found '5'", NULL);
}
END_TEST

START_TEST(reports_a_fraction_that_should_be_whole)
{
	ck_assert_int_eq(conf_integer(&conf, "share", 3, 0, 9), 3);
	expect_problem("server.json:9: routes[0].settings.share",
	    "expected a whole number, found '0.5'", NULL);
}
END_TEST

START_TEST(reports_what_should_be_true_or_false)
{
	ck_assert_int_eq(conf_boolean(&conf, "list", 0), 0);
	expect_problem("server.json:9: routes[0].settings.list",
	    "expected true or false, found the list '[1]'", NULL);
}
END_TEST

START_TEST(reports_values_outside_their_range)
{
	ck_assert_int_eq(conf_integer(&conf, "rate", 8, 6, 10), 8);
	ck_assert_int_eq(conf_integer(&conf, "rate", 8, INT64_MIN, 4), 8);
	ck_assert_int_eq(conf_integer(&conf, "rate", 8, 6, INT64_MAX), 8);
	ck_assert_uint_eq(problems.count, 3);
	ck_assert_str_eq(problems.items[0].what, "expected 6..10, found '5'");
	ck_assert_str_eq(problems.items[1].what, "expected at most 4, found '5'");
	ck_assert_str_eq(problems.items[2].what, "expected at least 6, found '5'");
}
END_TEST

START_TEST(reports_a_wrong_type_and_not_what_is_inside)
{
	conf_string(&conf, "limits", NULL);
	conf_string(&conf, "list", NULL);
	ck_assert_uint_eq(problems.count, 2);
	ask_all_but("limits.low");
	conf_finish(&conf, false);
	ck_assert_uint_eq(problems.count, 2);
}
END_TEST

START_TEST(reports_a_plain_value_that_should_have_something_inside)
{
	ask_all_but("rate");
	ck_assert_int_eq(conf_integer(&conf, "rate.low", 3, 0, 9), 3);
	conf_finish(&conf, true);
	expect_problem("server.json:9: routes[0].settings.rate",
	    "expected a list or an object, found '5'", NULL);
}
END_TEST

START_TEST(reports_a_plain_value_that_should_have_a_length)
{
	ask_all_but("name");
	ck_assert_int_eq(conf_length(&conf, "name"), -1);
	conf_finish(&conf, true);
	expect_problem("server.json:9: routes[0].settings.name",
	    "expected a list or an object, found the string 'Ada'", NULL);
}
END_TEST

START_TEST(takes_a_plain_value_in_place_of_a_list_from_who_asks_for_both)
{
	ask_all_but("name");
	ck_assert_int_eq(conf_length(&conf, "name"), -1);
	ck_assert_str_eq(conf_string(&conf, "name", NULL), "Ada");
	conf_finish(&conf, true);
	ck_assert_uint_eq(problems.count, 0);
}
END_TEST

START_TEST(cuts_long_values_in_messages)
{
	char text[400];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	add("long", SETTING_STRING, text, text);
	conf_integer(&conf, "long", 0, 0, 1);
	ck_assert_uint_lt(strlen(problems.items[0].what), 150);
	ck_assert_ptr_nonnull(strstr(problems.items[0].what, "xxx...'"));
}
END_TEST

START_TEST(reports_what_nobody_asked_for_with_what_was_meant)
{
	ask_all_but("name");
	conf_string(&conf, "nam", NULL);
	conf_string(&conf, "title", NULL);
	conf_finish(&conf, true);
	expect_problem("server.json:9: routes[0].settings.name", "unknown setting 'name'",
	    "did you mean 'nam'?");
}
END_TEST

START_TEST(reports_what_nobody_asked_for_without_a_guess)
{
	ask_all_but("rate");
	conf_string(&conf, "title", NULL);
	conf_finish(&conf, true);
	expect_problem("server.json:9: routes[0].settings.rate", "unknown setting 'rate'",
	    NULL);
}
END_TEST

START_TEST(guesses_within_the_same_object_only)
{
	ask_all_but("limits.low");
	conf_string(&conf, "lowe", NULL);
	conf_integer(&conf, "limits.lows", 0, 0, 1);
	conf_finish(&conf, true);
	expect_problem("server.json:9: routes[0].settings.limits.low",
	    "unknown setting 'limits.low'", "did you mean 'lows'?");
}
END_TEST

START_TEST(reports_an_unknown_object_once)
{
	ask_all_but("limits");
	settings_find(&settings, "limits.low")->asked = false;
	settings_find(&settings, "limits.high")->asked = false;
	conf_finish(&conf, true);
	expect_problem("server.json:9: routes[0].settings.limits",
	    "unknown setting 'limits'", NULL);
}
END_TEST

START_TEST(asking_for_an_entry_explains_what_it_lies_in)
{
	ask_all_but("");
	settings_find(&settings, "limits")->asked = false;
	conf_integer(&conf, "limits.low", 0, 0, 9);
	conf_finish(&conf, true);
	ck_assert_uint_eq(problems.count, 0);
}
END_TEST

START_TEST(after_a_stop_half_way_only_misspellings_are_reported)
{
	conf_string(&conf, "names", NULL);
	conf_finish(&conf, false);
	expect_problem("server.json:9: routes[0].settings.name", "unknown setting 'name'",
	    "did you mean 'names'?");
}
END_TEST

START_TEST(takes_the_handlers_own_complaint_to_the_key)
{
	conf_refuse(&conf, "name", "is too short");
	expect_problem("server.json:9: routes[0].settings.name", "is too short", NULL);
}
END_TEST

START_TEST(takes_a_complaint_about_a_missing_key_to_the_route)
{
	conf_refuse(&conf, "root", "is required");
	expect_problem("server.json:8: routes[0]", "setting 'root': is required", NULL);
}
END_TEST

START_TEST(gives_defaults_once_on_open_is_over)
{
	size_t size;

	ask_all_but("");
	conf_finish(&conf, true);
	ck_assert_str_eq(conf_string(&conf, "name", "x"), "x");
	ck_assert_int_eq(conf_integer(&conf, "name", 4, 0, 1), 4);
	ck_assert_ptr_null(conf_text(&conf, "", &size));
	conf_refuse(&conf, "name", "too late");
	ck_assert_uint_eq(problems.count, 0);
}
END_TEST

static void add_values(TCase *tcase)
{
	tcase_add_test(tcase, gives_each_type);
	tcase_add_test(tcase, gives_defaults_for_what_is_not_there_or_null);
	tcase_add_test(tcase, names_the_entries_of_an_object);
	tcase_add_test(tcase, gives_json_and_takes_all_inside_as_asked_for);
	tcase_add_test(tcase, makes_file_names_absolute);
	tcase_add_test(tcase, a_relative_folder_becomes_absolute);
	tcase_add_test(tcase, gives_defaults_once_on_open_is_over);
}

static void add_reports(TCase *tcase)
{
	tcase_add_test(tcase, reports_a_string_that_should_be_a_number);
	tcase_add_test(tcase, reports_a_number_that_should_be_a_string);
	tcase_add_test(tcase, reports_a_fraction_that_should_be_whole);
	tcase_add_test(tcase, reports_what_should_be_true_or_false);
	tcase_add_test(tcase, reports_values_outside_their_range);
	tcase_add_test(tcase, reports_a_wrong_type_and_not_what_is_inside);
	tcase_add_test(tcase, reports_a_plain_value_that_should_have_something_inside);
	tcase_add_test(tcase, reports_a_plain_value_that_should_have_a_length);
	tcase_add_test(tcase,
	    takes_a_plain_value_in_place_of_a_list_from_who_asks_for_both);
	tcase_add_test(tcase, cuts_long_values_in_messages);
	tcase_add_test(tcase, takes_the_handlers_own_complaint_to_the_key);
	tcase_add_test(tcase, takes_a_complaint_about_a_missing_key_to_the_route);
}

static void add_unknown(TCase *tcase)
{
	tcase_add_test(tcase, reports_what_nobody_asked_for_with_what_was_meant);
	tcase_add_test(tcase, reports_what_nobody_asked_for_without_a_guess);
	tcase_add_test(tcase, guesses_within_the_same_object_only);
	tcase_add_test(tcase, reports_an_unknown_object_once);
	tcase_add_test(tcase, asking_for_an_entry_explains_what_it_lies_in);
	tcase_add_test(tcase, after_a_stop_half_way_only_misspellings_are_reported);
}

int main(void)
{
	Suite *suite = suite_create("conf");
	TCase *tcase = tcase_create("conf");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	add_values(tcase);
	add_reports(tcase);
	add_unknown(tcase);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
