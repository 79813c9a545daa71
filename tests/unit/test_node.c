/* SPDX-License-Identifier: MIT */
#include "config/node.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"

static struct problems problems;
static struct document document;

static struct node open_text(const char *text)
{
	document = (struct document){ .file = "f",
		.directory = ".",
		.problems = &problems };
	problems_init(&problems);
	ck_assert_int_eq(document_open(&document, text, strlen(text)), 0);
	return node_root(&document);
}

static void close_text(void)
{
	document_close(&document);
	problems_release(&problems);
}

static void assert_where(const struct node *node, const char *expected)
{
	char *where = node_where(node);

	ck_assert_str_eq(where, expected);
	free(where);
}

START_TEST(children_come_in_document_order)
{
	struct node root = open_text("{ \"b\": [ 1, { \"x\": 2 }, 3 ],\n\"a\": 4 }");
	struct node child = { 0 };
	struct node element = { 0 };

	ck_assert(node_next(&root, &child));
	ck_assert_str_eq(child.key, "b");
	ck_assert(node_next(&child, &element));
	ck_assert(node_next(&child, &element));
	ck_assert(node_next(&child, &element));
	ck_assert_str_eq(node_word(&element).text, "'3'");
	assert_where(&element, "f:1: b[2]");
	ck_assert(!node_next(&child, &element));
	ck_assert(node_next(&root, &child));
	ck_assert_str_eq(child.key, "a");
	ck_assert_str_eq(node_word(&child).text, "'4'");
	assert_where(&child, "f:2: a");
	ck_assert(!node_next(&root, &child));
	close_text();
}
END_TEST

START_TEST(empty_values_have_no_children)
{
	struct node root = open_text("{ \"a\": [], \"b\": {} }");
	struct node child;
	struct node none = { 0 };

	ck_assert(node_find(&root, "a", &child));
	ck_assert(!node_next(&child, &none));
	none = (struct node){ 0 };
	ck_assert(node_find(&root, "b", &child));
	ck_assert(!node_next(&child, &none));
	ck_assert(!node_find(&root, "c", &child));
	close_text();
}
END_TEST

START_TEST(where_goes_all_the_way)
{
	struct node root = open_text("{ \"a\": [ { \"b c\": [ [ 1 ] ] } ] }");
	struct node a;
	struct node element = { 0 };
	struct node b;
	struct node outer = { 0 };
	struct node inner = { 0 };

	ck_assert(node_find(&root, "a", &a) && node_next(&a, &element) &&
	    node_find(&element, "b c", &b) && node_next(&b, &outer) &&
	    node_next(&outer, &inner));
	assert_where(&inner, "f:1: a[0].b c[0][0]");
	assert_where(&root, "f:1");
	close_text();
}
END_TEST

START_TEST(words_are_short_and_harmless)
{
	ck_assert_str_eq(word_of("").text, "''");
	ck_assert_str_eq(word_of("a\x1b[1m\n\"").text, "'a\\u001b[1m\\n\\\"'");
	ck_assert_str_eq(word_of("1234567890123456789012345678901234567890").text,
	    "'1234567890123456789012345678901234567890'");
	ck_assert_str_eq(word_of("12345678901234567890123456789012345678901").text,
	    "'1234567890123456789012345678901234567...'");
	/* A character is not cut in two. */
	ck_assert_str_eq(word_of("123456789012345678901234567890123456\xc3\xbc"
				 "9012")
			     .text,
	    "'123456789012345678901234567890123456...'");
}
END_TEST

START_TEST(words_are_as_the_user_wrote_them)
{
	struct node root = open_text("[ 1.50e3, \"\\u0061b\", true, -0 ]");
	struct node child = { 0 };

	ck_assert(node_next(&root, &child));
	ck_assert_str_eq(node_word(&child).text, "'1.50e3'");
	ck_assert(node_next(&root, &child));
	ck_assert_str_eq(node_word(&child).text, "'ab'");
	ck_assert(node_next(&root, &child));
	ck_assert_str_eq(node_word(&child).text, "'true'");
	ck_assert(node_next(&root, &child));
	ck_assert_str_eq(node_word(&child).text, "'-0'");
	close_text();
}
END_TEST

START_TEST(an_empty_hint_is_none)
{
	struct node root = open_text("{}");
	static const char *const words[] = { "path" };

	node_problem(&root, word_guess("pth", words, 1).text, "a");
	node_problem(&root, word_guess("zzzz", words, 1).text, "b");
	node_problem(&root, NULL, "c %d", 5);
	ck_assert_str_eq(problems.items[0].hint, "did you mean 'path'");
	ck_assert_ptr_null(problems.items[1].hint);
	ck_assert_ptr_null(problems.items[2].hint);
	ck_assert_str_eq(problems.items[2].what, "c 5");
	close_text();
}
END_TEST

START_TEST(a_mismatch_says_what_was_found)
{
	static const char *const said[] = { "an object", "an array", "null", "true",
		"false", "the string 'a'", "the number '1'", "the number '1.0'" };
	struct node root = open_text("[ {}, [], null, true, false, \"a\", 1, 1.0 ]");
	struct node child = { 0 };
	char expected[64];

	while (node_next(&root, &child)) {
		node_mismatch(&child, "a pony");
		snprintf(expected, sizeof(expected), "expected a pony, found %s",
		    said[child.index]);
		ck_assert_str_eq(problems.items[child.index].what, expected);
	}
	ck_assert_uint_eq(problems.count, 8);
	close_text();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("node");
	TCase *tcase = tcase_create("node");

	tcase_add_test(tcase, children_come_in_document_order);
	tcase_add_test(tcase, empty_values_have_no_children);
	tcase_add_test(tcase, where_goes_all_the_way);
	tcase_add_test(tcase, words_are_short_and_harmless);
	tcase_add_test(tcase, words_are_as_the_user_wrote_them);
	tcase_add_test(tcase, an_empty_hint_is_none);
	tcase_add_test(tcase, a_mismatch_says_what_was_found);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
