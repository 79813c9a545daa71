/* SPDX-License-Identifier: MIT */
/* "routes" and their "methods"; what is refused is in tests/config/bad. */
#include "configs.h"
#include "http/message.h"

START_TEST(a_route_leads_to_a_handler)
{
	struct config *config = configs_parse("f", "{ \"routes\": [\n"
	    "{ \"path\": \"/a/{x}\", \"handler\": \"hello\" } ] }");
	const struct config_route *route = &config->routes[0];

	ck_assert_str_eq(route->where, "f:2: routes[0]");
	ck_assert_str_eq(route->pattern, "/a/{x}");
	ck_assert_str_eq(route->handler, "hello");
	ck_assert_ptr_null(route->redirect);
	ck_assert_uint_eq(route->methods, 0);
	ck_assert_ptr_null(route->other_methods);
	config_free(config);
}
END_TEST

START_TEST(a_route_may_redirect)
{
	struct config *config = configs_parse("f", "{ \"routes\": ["
	    "{ \"path\": \"/a\", \"redirect\": \"https://example.org/?x#y\" },"
	    "{ \"path\": \"/b\", \"redirect\": \"/c%20d\", \"status\": 308 } ] }");

	ck_assert_ptr_null(config->routes[0].handler);
	ck_assert_str_eq(config->routes[0].redirect, "https://example.org/?x#y");
	ck_assert_int_eq(config->routes[0].status, 302);
	ck_assert_str_eq(config->routes[1].redirect, "/c%20d");
	ck_assert_int_eq(config->routes[1].status, 308);
	config_free(config);
}
END_TEST

START_TEST(methods_are_a_mask_and_a_list)
{
	struct config *config = configs_parse("f", "{ \"routes\": ["
	    "{ \"path\": \"/a\", \"handler\": \"a\", \"methods\": [ \"GET\", \"PURGE\","
	    "\"PATCH\", \"M-SEARCH\" ] },"
	    "{ \"path\": \"/b\", \"handler\": \"b\", \"methods\": [ \"LOCK\" ] } ] }");

	ck_assert_uint_eq(config->routes[0].methods, HTTP_GET | HTTP_PATCH);
	ck_assert_str_eq(config->routes[0].other_methods[0], "PURGE");
	ck_assert_str_eq(config->routes[0].other_methods[1], "M-SEARCH");
	ck_assert_ptr_null(config->routes[0].other_methods[2]);
	ck_assert_uint_eq(config->routes[1].methods, 0);
	ck_assert_str_eq(config->routes[1].other_methods[0], "LOCK");
	config_free(config);
}
END_TEST

START_TEST(many_routes_are_read_in_one_pass)
{
	enum { MANY = 20000 };
	struct config *config;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	fprintf(out, "{ \"routes\": [");
	for (int i = 0; i < MANY; i++) {
		fprintf(out, "%s\n{ \"path\": \"/r%d\", \"handler\": \"h\" }",
		    i == 0 ? "" : ",", i);
	}
	fprintf(out, "] }");
	ck_assert_int_eq(fclose(out), 0);
	config = configs_parse("f", text);
	ck_assert_uint_eq(config->route_count, MANY);
	ck_assert_str_eq(config->routes[MANY - 1].where, "f:20001: routes[19999]");
	config_free(config);
	free(text);
}
END_TEST

START_TEST(a_clash_names_both_places_and_what_is_common)
{
	configs_refuse(
	    "{ \"routes\": [\n"
	    "{ \"path\": \"/a\", \"handler\": \"a\" },\n"
	    "{ \"path\": \"/a\", \"handler\": \"b\","
	    "\"methods\": [ \"GET\", \"LOCK\" ] } ] }",
	    "f:3: routes[1].path: "
	    "'/a' with GET, LOCK is the same as '/a' in f:2: routes[0]\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("routes");
	TCase *tcase = tcase_create("routes");

	tcase_add_test(tcase, a_route_leads_to_a_handler);
	tcase_add_test(tcase, a_route_may_redirect);
	tcase_add_test(tcase, methods_are_a_mask_and_a_list);
	tcase_add_test(tcase, many_routes_are_read_in_one_pass);
	tcase_add_test(tcase, a_clash_names_both_places_and_what_is_common);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
