/* SPDX-License-Identifier: MIT */
/* The origins of a route; what is refused is in tests/config/bad. */
#include "configs.h"

static struct config *parse(const char *origins)
{
	char text[1024];

	snprintf(text, sizeof(text),
	    "{ \"routes\": [ { \"path\": \"/a\", \"handler\": \"a\"%s%s } ] }",
	    origins[0] == '\0' ? "" : ", \"origins\": ", origins);
	return configs_parse("f", text);
}

static void assert_origin(const char *written, const char *expected)
{
	char list[512];
	struct config *config;

	snprintf(list, sizeof(list), "[ \"%s\" ]", written);
	config = parse(list);
	ck_assert_str_eq(config->routes[0].origins[0], expected);
	ck_assert_ptr_null(config->routes[0].origins[1]);
	config_free(config);
}

START_TEST(there_are_none_unless_given)
{
	struct config *config = parse("");

	ck_assert_ptr_null(config->routes[0].origins);
	config_free(config);
}
END_TEST

START_TEST(they_keep_their_order)
{
	struct config *config = parse("[ \"https://b.test\", \"*\", \"http://a.test\" ]");
	char **origins = config->routes[0].origins;

	ck_assert_str_eq(origins[0], "https://b.test");
	ck_assert_str_eq(origins[1], "*");
	ck_assert_str_eq(origins[2], "http://a.test");
	ck_assert_ptr_null(origins[3]);
	config_free(config);
}
END_TEST

START_TEST(they_become_what_browsers_send)
{
	assert_origin("https://example.test", "https://example.test");
	assert_origin("HTTPS://Example.TEST:8443", "https://example.test:8443");
	assert_origin("https://example.test:443", "https://example.test");
	assert_origin("https://example.test:", "https://example.test");
	assert_origin("https://example.test:80", "https://example.test:80");
	assert_origin("http://example.test:80", "http://example.test");
	assert_origin("http://example.test:443", "http://example.test:443");
	assert_origin("https://[2001:DB8::443]", "https://[2001:db8::443]");
	assert_origin("https://[::1]:443", "https://[::1]");
	assert_origin("http://127.0.0.1:8080", "http://127.0.0.1:8080");
	assert_origin("moz-extension://0aF", "moz-extension://0af");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("origins");
	TCase *tcase = tcase_create("origins");

	tcase_add_test(tcase, there_are_none_unless_given);
	tcase_add_test(tcase, they_keep_their_order);
	tcase_add_test(tcase, they_become_what_browsers_send);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
