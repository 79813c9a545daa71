/* SPDX-License-Identifier: MIT */
/* What makes a handler's place the same in another configuration, and what does not. */
#include "site/place.h"

#include <stdlib.h>
#include <string.h>

#include "configs.h"

static struct config *parse(const char *members)
{
	char text[2048];

	snprintf(text, sizeof(text), "{%s}", members);
	return configs_parse("f", text);
}

/* The place of the last route. */
static char *last_route(const char *members)
{
	struct config *config = parse(members);
	char *place = place_route(config, &config->routes[config->route_count - 1]);

	config_free(config);
	return place;
}

static void assert_routes(const char *one, const char *other, bool same)
{
	char *left = last_route(one);
	char *right = last_route(other);

	ck_assert_msg((strcmp(left, right) == 0) == same, "%s\nand %s\n%s\n%s", one,
	    other, left, right);
	free(left);
	free(right);
}

#define ROUTE(more) "\"routes\": [ { \"path\": \"/a\", \"handler\": \"a\"" more " } ]"

START_TEST(a_route_is_its_host_pattern_and_methods)
{
	assert_routes(ROUTE(""),
	    "\"routes\": [ { \"path\": \"/b\", \"redirect\": \"/\" },\n"
	    "{ \"handler\": \"b\", \"path\": \"/a\", \"settings\": { \"x\": 1 } } ]",
	    true);
	assert_routes(ROUTE(""),
	    "\"routes\": [ { \"path\": \"/a/\", \"handler\": \"a\" } ]", false);
	assert_routes(ROUTE(""), ROUTE(", \"methods\": [\"GET\"]"), false);
	assert_routes(ROUTE(", \"methods\": [\"GET\"]"),
	    ROUTE(", \"methods\": [\"POST\"]"), false);
	assert_routes(ROUTE(", \"methods\": [\"GET\", \"PURGE\"]"),
	    ROUTE(", \"methods\": [\"GET\", \"LOCK\"]"), false);
	assert_routes(ROUTE(""), "\"hosts\": [ { \"names\": [\"h\"], " ROUTE("") " } ]",
	    false);
	assert_routes("\"hosts\": [ { \"names\": [\"h\"], " ROUTE("") " } ]",
	    "\"hosts\": [ { \"names\": [\"i\"] }, { \"names\": [\"h\", \"j\"], "
	    ROUTE("") " } ]", true);
}
END_TEST

START_TEST(a_plugin_at_its_own_route_is_as_if_configured)
{
	char *own = place_own_route("/a");
	char *configured = last_route(ROUTE(""));

	ck_assert_str_eq(own, configured);
	free(own);
	free(configured);
}
END_TEST

#define FILTERS "\"filters\": [\"f\"]"

START_TEST(a_filter_is_for_whom_it_is)
{
	struct config *config = parse(FILTERS ", \"hosts\": [ { \"names\": [\"h\"], "
	    FILTERS ", " ROUTE(", " FILTERS) " } ], " ROUTE(", " FILTERS));
	char *places[4];

	for (size_t i = 0; i < 4; i++) {
		ck_assert_ptr_nonnull(config_filter_at(config, i));
		places[i] = place_filter(config, i);
		for (size_t k = 0; k < i; k++) {
			ck_assert_str_ne(places[i], places[k]);
		}
	}
	ck_assert_ptr_null(config_filter_at(config, 4));
	for (size_t i = 0; i < 4; i++) {
		free(places[i]);
	}
	config_free(config);
}
END_TEST

START_TEST(a_stream_is_its_listener_or_its_name)
{
	struct config *config = parse("\"listeners\": [ { \"address\": \":1\","
	    "\"stream\": \"s\" } ], \"alpn\": { \"a\": \"s\", \"b\": \"s\" }");
	struct config_stream stream;
	char *places[3];

	for (size_t i = 0; config_stream_at(config, i, &stream); i++) {
		places[i] = place_stream(&stream);
	}
	ck_assert_str_eq(places[0], "stream\n:1");
	ck_assert_str_eq(places[1], "alpn\na");
	ck_assert_str_eq(places[2], "alpn\nb");
	for (size_t i = 0; i < 3; i++) {
		free(places[i]);
	}
	config_free(config);
}
END_TEST

static char *key_of(const char *settings, const char *hash, bool isolated)
{
	struct plugin plugin = { .note.name = "a", .isolated = isolated };
	struct problems problems;
	struct settings parsed = { 0 };
	char *key;

	snprintf(plugin.hash, sizeof(plugin.hash), "%s", hash);
	problems_init(&problems);
	if (settings != NULL) {
		ck_assert_int_eq(config_parse_settings("f", settings, strlen(settings),
		    &parsed, &problems), 0);
	}
	key = place_key("place", &plugin, &parsed);
	settings_release(&parsed);
	problems_release(&problems);
	return key;
}

static void assert_keys(char *one, char *other, bool same)
{
	ck_assert_msg((strcmp(one, other) == 0) == same, "%s\n%s", one, other);
	free(one);
	free(other);
}

START_TEST(a_key_is_all_that_on_open_can_see)
{
	assert_keys(key_of("{\"x\": 1}", "1", true), key_of("{\n\n\"x\":1 }", "1", true),
	    true);
	assert_keys(key_of(NULL, "1", true), key_of(NULL, "1", true), true);
	assert_keys(key_of(NULL, "1", true), key_of("{}", "1", true), false);
	assert_keys(key_of("{\"x\": 1}", "1", true), key_of("{\"x\": 1.0}", "1", true),
	    false);
	assert_keys(key_of("{\"x\": 1}", "1", true), key_of("{\"x\": \"1\"}", "1", true),
	    false);
	assert_keys(key_of("{\"x\": 1, \"y\": 2}", "1", true),
	    key_of("{\"y\": 2, \"x\": 1}", "1", true), false);
	assert_keys(key_of(NULL, "1", true), key_of(NULL, "2", true), false);
	assert_keys(key_of(NULL, "1", true), key_of(NULL, "1", false), false);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("place");
	TCase *tcase = tcase_create("place");

	tcase_add_test(tcase, a_route_is_its_host_pattern_and_methods);
	tcase_add_test(tcase, a_plugin_at_its_own_route_is_as_if_configured);
	tcase_add_test(tcase, a_filter_is_for_whom_it_is);
	tcase_add_test(tcase, a_stream_is_its_listener_or_its_name);
	tcase_add_test(tcase, a_key_is_all_that_on_open_can_see);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
