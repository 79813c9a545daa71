/* SPDX-License-Identifier: MIT */
/* Text to tree; the messages of each syntax error are in tests/config/bad/syntax_*. */
#include "config/document.h"

#include <string.h>

#include "unit.h"

static int open_text(struct document *document, struct problems *problems,
    const char *text, size_t size)
{
	*document = (struct document){ .file = "f",
		.directory = ".",
		.problems = problems };
	problems_init(problems);
	return document_open(document, text, size);
}

START_TEST(an_open_document_has_tree_and_places)
{
	static const char text[] = "{ \"a\":\n[ 1 ] }";
	struct problems problems;
	struct document document;

	ck_assert_int_eq(open_text(&document, &problems, text, strlen(text)), 0);
	ck_assert(json_is_object(document.root));
	ck_assert_uint_eq(document.places[0].next, 3);
	ck_assert_uint_eq(problems.count, 0);
	document_close(&document);
	document_close(&document);
	problems_release(&problems);
}
END_TEST

START_TEST(a_syntax_error_has_line_and_column)
{
	static const char text[] = "{\n  \"a\": 1\n  \"b\": 2 }";
	struct problems problems;
	struct document document;

	ck_assert_int_eq(open_text(&document, &problems, text, strlen(text)),
	    ERR_INVALID);
	ck_assert_uint_eq(problems.count, 1);
	ck_assert_str_eq(problems.items[0].where, "f:3:5");
	ck_assert_str_eq(problems.items[0].what, "expected ',' or '}', found '\"b\"'");
	document_close(&document);
	problems_release(&problems);
}
END_TEST

START_TEST(every_short_text_opens_or_has_a_problem)
{
	static const char alphabet[] = "{}[]\",:1e-\\u \n\0\xff";
	size_t letters = sizeof(alphabet) - 1;
	char text[4];

	for (size_t i = 0; i < letters * letters * letters * letters; i++) {
		struct problems problems;
		struct document document;
		size_t rest = i;
		int rc;

		for (size_t j = 0; j < sizeof(text); j++) {
			text[j] = alphabet[rest % letters];
			rest /= letters;
		}
		rc = open_text(&document, &problems, text, sizeof(text));
		ck_assert_uint_eq(problems.count, rc != 0);
		document_close(&document);
		problems_release(&problems);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("document");
	TCase *tcase = tcase_create("document");

	tcase_add_test(tcase, an_open_document_has_tree_and_places);
	tcase_add_test(tcase, a_syntax_error_has_line_and_column);
	tcase_add_test(tcase, every_short_text_opens_or_has_a_problem);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
