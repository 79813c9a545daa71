/* SPDX-License-Identifier: MIT */
/* Protocols by ALPN name, and all uses of raw streams; what is refused is in
 * tests/config/bad. */
#include "configs.h"

static const char text[] =
    "{ \"listeners\": [ { \"address\": \":1\" },\n"
    "{ \"address\": \":2\", \"stream\": \"line\", \"settings\": { \"a\": 1 } },\n"
    "{ \"address\": \":3\", \"stream\": \"echo\" } ],\n"
    "\"alpn\": { \"tincan-echo\": \"echo\",\n"
    "\"x\": { \"handler\": \"chat\", \"settings\": { \"b\": 2 } } },\n"
    "\"routes\": [ { \"path\": \"/h\", \"handler\": \"hello\" } ] }";

START_TEST(a_name_has_a_handler_and_settings)
{
	struct config *config = configs_parse("f", text);
	const struct config_alpn *alpn = config->alpns;

	ck_assert_uint_eq(config->alpn_count, 2);
	ck_assert_str_eq(alpn[0].name, "tincan-echo");
	ck_assert_str_eq(alpn[0].handler, "echo");
	ck_assert_str_eq(alpn[0].where, "f:4: alpn.tincan-echo");
	ck_assert_uint_eq(alpn[0].settings.count, 0);
	ck_assert_str_eq(alpn[1].name, "x");
	ck_assert_str_eq(alpn[1].handler, "chat");
	ck_assert_str_eq(settings_find(&alpn[1].settings, "b")->where,
	    "f:5: alpn.x.settings.b");
	config_free(config);
}
END_TEST

START_TEST(names_may_be_all_that_is_visible)
{
	char json[300];
	struct config *config = configs_parse("f",
	    "{ \"alpn\": { \"!\": \"a\", \"~\\\"\\\\\": \"a\", \"H2\": \"a\" } }");

	ck_assert_uint_eq(config->alpn_count, 3);
	ck_assert_str_eq(config->alpns[1].name, "~\"\\");
	config_free(config);
	snprintf(json, sizeof(json), "{ \"alpn\": { \"%0255d\": \"a\" } }", 0);
	config = configs_parse("f", json);
	ck_assert_uint_eq(strlen(config->alpns[0].name), 255);
	config_free(config);
}
END_TEST

START_TEST(what_has_a_problem_is_left_out)
{
	static const char bad[] =
	    "{ \"alpn\": { \"h2\": \"a\", \"b\": \"b\", \"c\": 1 } }";
	struct problems problems;
	struct config *config;

	problems_init(&problems);
	config = config_parse("f", bad, strlen(bad), &problems);
	ck_assert_uint_eq(problems.errors, 2);
	ck_assert_uint_eq(config->alpn_count, 1);
	ck_assert_str_eq(config->alpns[0].handler, "b");
	config_free(config);
	problems_release(&problems);
}
END_TEST

static void assert_stream(const struct config *config, size_t index, const char *where,
    const char *what, const char *handler, size_t settings)
{
	struct config_stream stream;
	char said[64];

	ck_assert(config_stream_at(config, index, &stream));
	ck_assert_str_eq(stream.where, where);
	snprintf(said, sizeof(said), "%s %s", stream.kind, stream.name);
	ck_assert_str_eq(said, what);
	ck_assert_str_eq(stream.handler, handler);
	ck_assert_uint_eq(stream.settings->count, settings);
}

START_TEST(streams_are_those_of_listeners_then_of_names)
{
	struct config *config = configs_parse("f", text);
	struct config_stream stream;

	assert_stream(config, 0, "f:2: listeners[1].stream", "stream :2", "line", 2);
	assert_stream(config, 1, "f:3: listeners[2].stream", "stream :3", "echo", 0);
	assert_stream(config, 2, "f:4: alpn.tincan-echo", "alpn tincan-echo", "echo", 0);
	assert_stream(config, 3, "f:5: alpn.x.handler", "alpn x", "chat", 2);
	ck_assert(!config_stream_at(config, 4, &stream));
	ck_assert(!config_stream_at(config, SIZE_MAX, &stream));
	config_free(config);
}
END_TEST

START_TEST(a_stream_is_a_use_but_no_route)
{
	struct config *config = configs_parse("f", text);

	ck_assert(config_uses(config, "hello") && config_routes_to(config, "hello"));
	ck_assert(config_uses(config, "line") && !config_routes_to(config, "line"));
	ck_assert(config_uses(config, "chat") && !config_routes_to(config, "chat"));
	ck_assert(!config_uses(config, "files"));
	config_free(config);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("alpn");
	TCase *tcase = tcase_create("alpn");

	tcase_add_test(tcase, a_name_has_a_handler_and_settings);
	tcase_add_test(tcase, names_may_be_all_that_is_visible);
	tcase_add_test(tcase, what_has_a_problem_is_left_out);
	tcase_add_test(tcase, streams_are_those_of_listeners_then_of_names);
	tcase_add_test(tcase, a_stream_is_a_use_but_no_route);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
