/* SPDX-License-Identifier: MIT */
/* The settings of a route as base/settings.h has them. */
#include "configs.h"

static struct config *parse_settings(const char *settings)
{
	char text[1024];

	snprintf(text, sizeof(text),
	    "{ \"routes\": [ { \"path\": \"/a\", \"handler\": \"a\",\n"
	    "\"settings\": %s } ] }",
	    settings);
	return configs_parse("f", text);
}

static const struct setting *find(const struct config *config, const char *path,
    enum setting_type type)
{
	const struct setting *setting = settings_find(&config->routes[0].settings, path);

	ck_assert_msg(setting != NULL, "no setting %s", path);
	ck_assert_int_eq(setting->type, type);
	return setting;
}

START_TEST(every_type_keeps_its_value)
{
	struct config *config = parse_settings("{ \"n\": null, \"t\": true, \"f\": false,"
	    "\"i\": -9223372036854775808, \"r\": 1.50e3, \"s\": \"a\\n\\u00fc\","
	    "\"a\": [ 1, 2 ], \"o\": { \"x\" : 1 } }");

	ck_assert_str_eq(find(config, "n", SETTING_NULL)->text, "null");
	ck_assert_int_eq(find(config, "t", SETTING_BOOL)->integer, 1);
	ck_assert_int_eq(find(config, "f", SETTING_BOOL)->integer, 0);
	ck_assert_str_eq(find(config, "f", SETTING_BOOL)->text, "false");
	ck_assert(find(config, "i", SETTING_INT)->integer == INT64_MIN);
	ck_assert_str_eq(find(config, "r", SETTING_REAL)->text, "1.50e3");
	ck_assert_str_eq(find(config, "s", SETTING_STRING)->text, "a\n\xc3\xbc");
	ck_assert_str_eq(find(config, "s", SETTING_STRING)->json, "\"a\\n\\u00fc\"");
	ck_assert_uint_eq(find(config, "a", SETTING_ARRAY)->length, 2);
	ck_assert_uint_eq(find(config, "o", SETTING_OBJECT)->length, 1);
	ck_assert_uint_eq(find(config, "", SETTING_OBJECT)->length, 8);
	config_free(config);
}
END_TEST

START_TEST(paths_have_dots_and_places_have_brackets)
{
	struct config *config = parse_settings("{ \"limits\": [ { \"rate\": 5 } ] }");

	ck_assert_int_eq(find(config, "limits.0.rate", SETTING_INT)->integer, 5);
	ck_assert_str_eq(find(config, "limits.0.rate", SETTING_INT)->where,
	    "f:2: routes[0].settings.limits[0].rate");
	ck_assert_str_eq(find(config, "", SETTING_OBJECT)->where,
	    "f:2: routes[0].settings");
	config_free(config);
}
END_TEST

START_TEST(json_has_no_spaces_but_those_in_strings)
{
	struct config *config = parse_settings(
	    "{ \"a b\" : [ \"c \\\" d\" ,\n\t\"\\\\\" , 1 ] }");

	ck_assert_str_eq(find(config, "", SETTING_OBJECT)->json,
	    "{\"a b\":[\"c \\\" d\",\"\\\\\",1]}");
	config_free(config);
}
END_TEST

START_TEST(keys_may_hold_dots)
{
	struct config *config = parse_settings(
	    "{ \"types\": { \".html\": \"x\", \".js\": 1 } }");

	ck_assert_str_eq(find(config, "types..html", SETTING_STRING)->text, "x");
	ck_assert_str_eq(settings_child(&config->routes[0].settings, "types", 1), ".js");
	config_free(config);
}
END_TEST

START_TEST(a_route_without_settings_has_none)
{
	struct config *config = configs_parse("f",
	    "{ \"routes\": [ { \"path\": \"/a\", \"handler\": \"a\" } ] }");

	ck_assert_uint_eq(config->routes[0].settings.count, 0);
	config_free(config);
}
END_TEST

START_TEST(two_settings_with_one_path_are_refused)
{
	configs_refuse("{ \"routes\": [ { \"path\": \"/a\", \"handler\": \"a\",\n"
	    "\"settings\": { \"a.b\": 1,\n\"a\": { \"b\": 2 } } } ] }",
	    "f:3: routes[0].settings.a.b: a handler cannot tell this from "
	    "f:2: routes[0].settings.a.b\n");
	configs_refuse("{ \"routes\": [ { \"path\": \"/a\", \"handler\": \"a\",\n"
	    "\"settings\": { \"\": 1 } } ] }",
	    "f:2: routes[0].settings.: a handler cannot tell this from "
	    "f:2: routes[0].settings\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("flatten");
	TCase *tcase = tcase_create("flatten");

	tcase_add_test(tcase, every_type_keeps_its_value);
	tcase_add_test(tcase, paths_have_dots_and_places_have_brackets);
	tcase_add_test(tcase, json_has_no_spaces_but_those_in_strings);
	tcase_add_test(tcase, keys_may_hold_dots);
	tcase_add_test(tcase, a_route_without_settings_has_none);
	tcase_add_test(tcase, two_settings_with_one_path_are_refused);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
