/* SPDX-License-Identifier: MIT */
/* The search of route/match.c, also against a plain and slow one. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "route/pattern.h"
#include "routes.h"

START_TEST(the_most_specific_wins_segment_by_segment)
{
	struct router *router = router_new();

	routes_add(router, "/*", 0);
	routes_add(router, "/a/{x}", 0);
	routes_add(router, "/a/b", 0);
	routes_add(router, "/a/*", 0);
	routes_add(router, "/{x}/b", 0);
	routes_assert(router, "/a/b", "/a/b");
	routes_assert(router, "/a/c", "/a/{x}");
	routes_assert(router, "/a/b/c", "/a/*");
	routes_assert(router, "/c/b", "/{x}/b");
	routes_assert(router, "/c/c", "/*");
	routes_assert(router, "/a", "/*");
	router_free(router);
}
END_TEST

START_TEST(a_dead_end_leads_back)
{
	struct router *router = router_new();

	routes_add(router, "/a/b/c/d", 0);
	routes_add(router, "/a/b/{x}/e", 0);
	routes_add(router, "/a/{y}/c/f", 0);
	routes_add(router, "/{z}/b/c/g", 0);
	routes_add(router, "/{z}/*", 0);
	routes_assert(router, "/a/b/c/d", "/a/b/c/d");
	routes_assert(router, "/a/b/c/e", "/a/b/{x}/e");
	routes_assert(router, "/a/b/c/f", "/a/{y}/c/f");
	routes_assert(router, "/a/b/c/g", "/{z}/b/c/g");
	routes_assert(router, "/a/b/c/h", "/{z}/*");
	routes_assert(router, "/a", NULL);
	router_free(router);
}
END_TEST

START_TEST(slashes_at_the_end_count)
{
	struct router *router = router_new();

	routes_add(router, "/a", 0);
	routes_add(router, "/b/", 0);
	routes_add(router, "/c/*", 0);
	routes_add(router, "/d/{x}", 0);
	routes_assert(router, "/a/", NULL);
	routes_assert(router, "/b", NULL);
	routes_assert(router, "/b/", "/b/");
	routes_assert(router, "/c", NULL);
	routes_assert(router, "/c/", "/c/*");
	routes_assert(router, "/d/", NULL);
	routes_assert(router, "/d/x/", NULL);
	routes_assert(router, "//a", NULL);
	router_free(router);
}
END_TEST

START_TEST(paths_that_are_none_go_nowhere)
{
	struct router *router = router_new();

	routes_add(router, "/*", 0);
	routes_assert(router, "", NULL);
	routes_assert(router, "*", NULL);
	routes_assert(router, "a/b", NULL);
	routes_assert(router, "/", "/*");
	router_free(router);
}
END_TEST

START_TEST(names_and_tail_are_given)
{
	struct router *router = router_new();
	struct router_match match;

	routes_add(router, "/{user}/files/{dir}/*", 0);
	match = routes_match(router, "/ann/files/docs/a/b/", "GET");
	ck_assert_uint_eq(match.params, 2);
	ck_assert(slice_equal(match.names[0], SLICE("user")));
	ck_assert(slice_equal(match.values[0], SLICE("ann")));
	ck_assert(slice_equal(match.names[1], SLICE("dir")));
	ck_assert(slice_equal(match.values[1], SLICE("docs")));
	ck_assert(slice_equal(match.tail, SLICE("a/b/")));
	match = routes_match(router, "/ann/files/docs/", "GET");
	ck_assert_ptr_nonnull(match.value);
	ck_assert_uint_eq(match.tail.size, 0);
	router_free(router);
}
END_TEST

START_TEST(values_of_a_dead_end_are_forgotten)
{
	struct router *router = router_new();
	struct router_match match;

	routes_add(router, "/a/{x}/{y}/b", 0);
	routes_add(router, "/{z}/*", 0);
	match = routes_match(router, "/a/1/2/c", "GET");
	ck_assert_uint_eq(match.params, 1);
	ck_assert(slice_equal(match.names[0], SLICE("z")));
	ck_assert(slice_equal(match.values[0], SLICE("a")));
	ck_assert(slice_equal(match.tail, SLICE("1/2/c")));
	router_free(router);
}
END_TEST

START_TEST(each_route_has_names_of_its_own)
{
	struct router *router = router_new();
	struct router_match match;

	routes_add(router, "/a/{x}", HTTP_GET);
	routes_add(router, "/a/{y}", HTTP_POST);
	match = routes_match(router, "/a/1", "POST");
	ck_assert(slice_equal(match.names[0], SLICE("y")));
	match = routes_match(router, "/a/1", "GET");
	ck_assert(slice_equal(match.names[0], SLICE("x")));
	router_free(router);
}
END_TEST

START_TEST(another_method_gets_the_methods_of_the_path)
{
	static const char *const dav[] = { "LOCK", "UNLOCK", NULL };
	static const char *const purge[] = { "PURGE", NULL };
	struct router *router = router_new();
	struct router_match match;

	routes_add(router, "/a", HTTP_GET);
	routes_add(router, "/a", HTTP_PUT);
	ck_assert_int_eq(routes_try(router, "/a", 0, dav, NULL), 0);
	ck_assert_int_eq(routes_try(router, "/a", HTTP_POST, purge, NULL), 0);
	match = routes_match(router, "/a", "DELETE");
	ck_assert_ptr_null(match.value);
	ck_assert_ptr_null(match.pattern);
	ck_assert_uint_eq(match.methods, HTTP_GET | HTTP_HEAD | HTTP_PUT | HTTP_POST |
	    HTTP_OPTIONS);
	ck_assert_str_eq(match.other_methods[0], "LOCK");
	ck_assert_str_eq(match.other_methods[1], "UNLOCK");
	ck_assert_str_eq(match.other_methods[2], "PURGE");
	ck_assert_ptr_null(match.other_methods[3]);
	ck_assert_ptr_nonnull(routes_match(router, "/a", "PURGE").value);
	ck_assert_ptr_null(routes_match(router, "/a", "purge").value);
	router_free(router);
}
END_TEST

START_TEST(methods_do_not_lead_to_a_less_specific_path)
{
	struct router *router = router_new();

	routes_add(router, "/a/b", HTTP_POST);
	routes_add(router, "/a/{x}", HTTP_GET);
	ck_assert_ptr_null(routes_match(router, "/a/b", "GET").value);
	ck_assert_uint_eq(routes_match(router, "/a/b", "GET").methods,
	    HTTP_POST | HTTP_OPTIONS);
	router_free(router);
}
END_TEST

START_TEST(get_stands_in_for_head_unless_head_is_listed)
{
	struct router *router = router_new();

	routes_add(router, "/a/{x}", HTTP_GET);
	ck_assert_str_eq(routes_match(router, "/a/1", "HEAD").value, "/a/{x}");
	routes_add(router, "/a/{head}", HTTP_HEAD);
	ck_assert_str_eq(routes_match(router, "/a/1", "HEAD").value, "/a/{head}");
	ck_assert_str_eq(routes_match(router, "/a/1", "GET").value, "/a/{x}");
	routes_add(router, "/b", HTTP_POST);
	ck_assert_ptr_null(routes_match(router, "/b", "HEAD").value);
	router_free(router);
}
END_TEST

START_TEST(options_is_left_to_the_server_unless_listed)
{
	struct router *router = router_new();

	routes_add(router, "/a", HTTP_GET);
	routes_add(router, "/b", HTTP_GET | HTTP_OPTIONS);
	ck_assert_ptr_null(routes_match(router, "/a", "OPTIONS").value);
	ck_assert_uint_eq(routes_match(router, "/a", "OPTIONS").methods,
	    HTTP_GET | HTTP_HEAD | HTTP_OPTIONS);
	ck_assert_ptr_nonnull(routes_match(router, "/b", "OPTIONS").value);
	router_free(router);
}
END_TEST

START_TEST(a_route_without_methods_takes_all_but_connect_and_trace)
{
	static const char *const taken[] = { "GET", "HEAD", "POST", "PUT", "DELETE",
		"OPTIONS", "PATCH", "PURGE", "brew" };
	struct router *router = router_new();

	routes_add(router, "/a", 0);
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		ck_assert_ptr_nonnull(routes_match(router, "/a", taken[i]).value);
	}
	ck_assert_ptr_null(routes_match(router, "/a", "CONNECT").value);
	ck_assert_ptr_null(routes_match(router, "/a", "TRACE").value);
	ck_assert_uint_eq(routes_match(router, "/a", "TRACE").methods,
	    HTTP_GET | HTTP_HEAD | HTTP_POST | HTTP_PUT | HTTP_DELETE | HTTP_OPTIONS |
	    HTTP_PATCH);
	router_free(router);
}
END_TEST

/* The definition of "best path", as plainly as possible: try every pattern. */
static bool fits(const char *pattern, const char *path)
{
	struct slice rest_pattern = slice_of(pattern);
	struct slice rest_path = slice_of(path);
	struct slice wanted;
	struct slice given;

	while (pattern_next(&rest_pattern, &wanted)) {
		if (!pattern_next(&rest_path, &given)) {
			return false;
		}
		switch (pattern_kind(wanted)) {
		case SEGMENT_REST:
			return true;
		case SEGMENT_NAME:
			if (given.size == 0) {
				return false;
			}
			break;
		case SEGMENT_LITERAL:
			if (!slice_equal(wanted, given)) {
				return false;
			}
			break;
		}
	}
	return rest_path.size == 0;
}

/* A path or pattern of up to 5 segments from few words, so that many overlap. */
static void make_text(char *text, size_t size, const char *const *words, size_t count)
{
	size_t used = 0;
	long segments = 1 + random() % 5;

	for (long i = 0; i < segments; i++) {
		const char *word = words[(size_t)random() % count];

		if (strcmp(word, "{}") == 0) {
			used += (size_t)snprintf(text + used, size - used, "/{p%ld}", i);
		} else {
			used += (size_t)snprintf(text + used, size - used, "/%s", word);
		}
	}
	if (random() % 4 == 0) {
		snprintf(text + used, size - used, words[0][0] == '{' ? "/*" : "/");
	}
}

START_TEST(agrees_with_a_search_through_all_patterns)
{
	enum { ROUTES = 200, PATHS = 5000 };
	static const char *const pattern_words[] = { "{}", "a", "b", "{}", "c" };
	static const char *const path_words[] = { "a", "b", "c", "d", "" };
	static char patterns[ROUTES][64];
	struct router *router = router_new();
	char path[64];
	int count = 0;

	srandom((unsigned)_i + 1);
	for (int i = 0; i < ROUTES; i++) {
		make_text(patterns[count], sizeof(patterns[0]), pattern_words, 5);
		count += routes_try(router, patterns[count], 0, NULL, NULL) == 0;
	}
	for (int i = 0; i < PATHS; i++) {
		const char *best = NULL;

		make_text(path, sizeof(path), path_words, 5);
		for (int j = 0; j < count; j++) {
			if (fits(patterns[j], path) && (best == NULL ||
			    pattern_compare(patterns[j], best) < 0)) {
				best = patterns[j];
			}
		}
		routes_assert(router, path, best);
	}
	router_free(router);
}
END_TEST

START_TEST(the_worst_table_costs_a_visit_per_node)
{
	struct router *router = router_new();
	char pattern[64];

	/* All ways to write ten segments as "a" or {name}: each of them fits in vain. */
	for (unsigned i = 0; i < 1 << 10; i++) {
		size_t used = 0;

		for (int bit = 0; bit < 10; bit++) {
			used += (size_t)snprintf(pattern + used, sizeof(pattern) - used,
			    i >> bit & 1 ? "/a" : "/{%c}", 'a' + bit);
		}
		snprintf(pattern + used, sizeof(pattern) - used, "/b");
		routes_add(router, pattern, 0);
	}
	for (int i = 0; i < 1000; i++) {
		routes_assert(router, "/a/a/a/a/a/a/a/a/a/a", NULL);
	}
	router_free(router);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("match");
	TCase *paths = tcase_create("paths");
	TCase *methods = tcase_create("methods");

	tcase_add_test(paths, the_most_specific_wins_segment_by_segment);
	tcase_add_test(paths, a_dead_end_leads_back);
	tcase_add_test(paths, slashes_at_the_end_count);
	tcase_add_test(paths, paths_that_are_none_go_nowhere);
	tcase_add_test(paths, names_and_tail_are_given);
	tcase_add_test(paths, values_of_a_dead_end_are_forgotten);
	tcase_add_test(paths, each_route_has_names_of_its_own);
	tcase_add_loop_test(paths, agrees_with_a_search_through_all_patterns, 0, 20);
	tcase_add_test(paths, the_worst_table_costs_a_visit_per_node);
	tcase_add_test(methods, another_method_gets_the_methods_of_the_path);
	tcase_add_test(methods, methods_do_not_lead_to_a_less_specific_path);
	tcase_add_test(methods, get_stands_in_for_head_unless_head_is_listed);
	tcase_add_test(methods, options_is_left_to_the_server_unless_listed);
	tcase_add_test(methods, a_route_without_methods_takes_all_but_connect_and_trace);
	suite_add_tcase(suite, paths);
	suite_add_tcase(suite, methods);
	return unit_run(suite);
}
