/* SPDX-License-Identifier: MIT */
#include "route/router.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "routes.h"

START_TEST(an_empty_router_has_no_paths)
{
	struct router *router = router_new();

	routes_assert(router, "/", NULL);
	routes_assert(router, "/a/b", NULL);
	router_free(router);
	router_free(NULL);
}
END_TEST

START_TEST(refuses_malformed_patterns)
{
	struct router *router = router_new();
	const char *what;

	ck_assert_int_eq(routes_try(router, "hello", 0, NULL, NULL), ERR_INVALID);
	ck_assert_int_eq(router_check("hello", &what), ERR_INVALID);
	ck_assert_str_eq(what, "must start with '/'");
	ck_assert_int_eq(router_check("/hello", &what), 0);
	router_free(router);
}
END_TEST

START_TEST(equal_patterns_clash_on_a_common_method)
{
	struct router *router = router_new();
	const char *clash;

	routes_add(router, "/a/{x}", HTTP_GET | HTTP_PUT);
	ck_assert_int_eq(routes_try(router, "/a/{y}", HTTP_PUT, NULL, &clash), ERR_LIMIT);
	ck_assert_str_eq(clash, "/a/{x}");
	ck_assert_int_eq(routes_try(router, "/a/{y}", 0, NULL, &clash), ERR_LIMIT);
	ck_assert_int_eq(routes_try(router, "/a/{y}", HTTP_POST, NULL, &clash), 0);
	ck_assert_int_eq(routes_try(router, "/a/{z}", HTTP_POST, NULL, &clash),
	    ERR_LIMIT);
	ck_assert_str_eq(clash, "/a/{y}");
	router_free(router);
}
END_TEST

START_TEST(a_route_for_all_methods_leaves_connect_and_trace)
{
	static const char *const purge[] = { "PURGE", NULL };
	struct router *router = router_new();
	const char *clash;

	routes_add(router, "/a", 0);
	ck_assert_int_eq(routes_try(router, "/a", HTTP_PATCH, NULL, &clash), ERR_LIMIT);
	ck_assert_int_eq(routes_try(router, "/a", 0, purge, &clash), ERR_LIMIT);
	ck_assert_int_eq(routes_try(router, "/a", HTTP_TRACE, NULL, &clash), 0);
	router_free(router);
}
END_TEST

START_TEST(extension_methods_clash_by_name)
{
	static const char *const first[] = { "PURGE", "LOCK", NULL };
	static const char *const second[] = { "UNLOCK", "LOCK", NULL };
	static const char *const third[] = { "UNLOCK", NULL };
	static const char *const none[] = { NULL };
	struct router *router = router_new();
	const char *clash;

	ck_assert_int_eq(routes_try(router, "/a", 0, first, &clash), 0);
	ck_assert_int_eq(routes_try(router, "/a", 0, second, &clash), ERR_LIMIT);
	ck_assert_int_eq(routes_try(router, "/a", 0, third, &clash), 0);
	ck_assert_int_eq(routes_try(router, "/a", HTTP_GET, none, &clash), 0);
	ck_assert_int_eq(routes_try(router, "/a", 0, none, &clash), ERR_LIMIT);
	router_free(router);
}
END_TEST

START_TEST(a_refused_route_leaves_the_router_as_it_was)
{
	struct router *router = router_new();
	char *pattern = strdup("/a/b/{c}");
	const char *clash;

	routes_add(router, "/a/b/{d}", 0);
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(routes_try(router, pattern, 0, NULL, &clash), ERR_LIMIT);
	}
	free(pattern);
	routes_assert(router, "/a/b/c", "/a/b/{d}");
	router_free(router);
}
END_TEST

START_TEST(finds_each_of_many_routes)
{
	enum { MANY = 20000 };
	static char patterns[MANY][48];
	struct router *router = router_new();
	char path[48];

	for (int i = 0; i < MANY; i++) {
		snprintf(patterns[i], sizeof(patterns[i]), "/api/v%d/{x}/item%d", i % 7,
		    i);
		routes_add(router, patterns[i], HTTP_GET);
	}
	for (int i = 0; i < MANY; i++) {
		snprintf(path, sizeof(path), "/api/v%d/anything/item%d", i % 7, i);
		routes_assert(router, path, patterns[i]);
		path[strlen("/api/v")] = 'x';
		routes_assert(router, path, NULL);
	}
	router_free(router);
}
END_TEST

/* Collects what a walk gives, line by line. */
static void print_route(void *arg, const char *pattern, uint32_t methods, void *value)
{
	fprintf(arg, "%s %x %s\n", pattern, methods, (const char *)value);
}

START_TEST(walks_in_the_order_of_matching)
{
	static const char *const purge[] = { "PURGE", NULL };
	struct router *router = router_new();
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	routes_add(router, "/*", HTTP_GET);
	routes_add(router, "/{x}", HTTP_GET);
	routes_add(router, "/b", HTTP_POST);
	routes_add(router, "/a", 0);
	routes_add(router, "/b", HTTP_GET);
	ck_assert_int_eq(routes_try(router, "/c", 0, purge, NULL), 0);
	router_walk(router, print_route, out);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_str_eq(text, "/a 15f /a\n/b 4 /b\n/b 1 /b\n/c 0 /c\n"
	    "/{x} 1 /{x}\n/* 1 /*\n");
	free(text);
	router_free(router);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("router");
	TCase *tcase = tcase_create("router");

	tcase_add_test(tcase, an_empty_router_has_no_paths);
	tcase_add_test(tcase, refuses_malformed_patterns);
	tcase_add_test(tcase, equal_patterns_clash_on_a_common_method);
	tcase_add_test(tcase, a_route_for_all_methods_leaves_connect_and_trace);
	tcase_add_test(tcase, extension_methods_clash_by_name);
	tcase_add_test(tcase, a_refused_route_leaves_the_router_as_it_was);
	tcase_add_test(tcase, finds_each_of_many_routes);
	tcase_add_test(tcase, walks_in_the_order_of_matching);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
