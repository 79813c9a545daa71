/* SPDX-License-Identifier: MIT */
#include "base/error.h"

#include <stdlib.h>

#include "unit.h"

START_TEST(prints_problems_in_the_order_found)
{
	struct problems list;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	problems_init(&list);
	problems_add(&list, "server.json:1: a", "did you mean 'b'", "expected %d..%d", 1,
	    2);
	problems_warn(&list, "b", NULL, "found '%s'", "100%");
	problems_print(&list, out);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_str_eq(text, "server.json:1: a: expected 1..2\n"
	    "  hint: did you mean 'b'\n"
	    "b: warning: found '100%'\n");
	free(text);
	problems_release(&list);
}
END_TEST

START_TEST(counts_errors_without_warnings)
{
	struct problems list;

	problems_init(&list);
	for (int i = 0; i < 100; i++) {
		problems_warn(&list, "here", NULL, "number %d", i);
		problems_add(&list, "there", NULL, "number %d", i);
	}
	ck_assert_uint_eq(list.count, 200);
	ck_assert_uint_eq(list.errors, 100);
	ck_assert_int_eq(list.items[0].level, PROBLEM_WARNING);
	ck_assert_str_eq(list.items[199].what, "number 99");
	problems_release(&list);
	ck_assert_uint_eq(list.count, 0);
	problems_release(&list);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("error");
	TCase *tcase = tcase_create("error");

	tcase_add_test(tcase, prints_problems_in_the_order_found);
	tcase_add_test(tcase, counts_errors_without_warnings);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
