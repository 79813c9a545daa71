/* SPDX-License-Identifier: MIT */
#include "base/numbered.h"

#include "unit.h"

START_TEST(an_empty_one_has_nothing)
{
	struct numbered numbered = { 0 };

	ck_assert_ptr_null(numbered_find(&numbered, 0));
	ck_assert_ptr_null(numbered_take(&numbered, 7));
	numbered_release(&numbered);
}
END_TEST

START_TEST(finds_each_in_whatever_order_they_came)
{
	static const uint64_t numbers[] = { 5, 1, UINT64_MAX, 3, 0, 4 };
	struct numbered numbered = { 0 };

	for (size_t i = 0; i < 6; i++) {
		numbered_add(&numbered, numbers[i], (void *)&numbers[i]);
	}
	ck_assert_uint_eq(numbered.count, 6);
	for (size_t i = 0; i < 6; i++) {
		ck_assert_ptr_eq(numbered_find(&numbered, numbers[i]), &numbers[i]);
		ck_assert(i == 0 ||
		    numbered.items[i - 1].number < numbered.items[i].number);
	}
	ck_assert_ptr_null(numbered_find(&numbered, 2));
	ck_assert_ptr_null(numbered_find(&numbered, 6));
	numbered_release(&numbered);
	ck_assert_uint_eq(numbered.count, 0);
}
END_TEST

START_TEST(one_that_is_taken_is_no_more_there)
{
	int values[4];
	struct numbered numbered = { 0 };

	for (size_t i = 0; i < 4; i++) {
		numbered_add(&numbered, i, &values[i]);
	}
	ck_assert_ptr_eq(numbered_take(&numbered, 1), &values[1]);
	ck_assert_ptr_null(numbered_take(&numbered, 1));
	ck_assert_ptr_null(numbered_find(&numbered, 1));
	ck_assert_ptr_eq(numbered_take(&numbered, 3), &values[3]);
	ck_assert_uint_eq(numbered.count, 2);
	ck_assert_ptr_eq(numbered_find(&numbered, 0), &values[0]);
	ck_assert_ptr_eq(numbered_find(&numbered, 2), &values[2]);
	numbered_release(&numbered);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("numbered");
	TCase *tcase = tcase_create("numbered");

	tcase_add_test(tcase, an_empty_one_has_nothing);
	tcase_add_test(tcase, finds_each_in_whatever_order_they_came);
	tcase_add_test(tcase, one_that_is_taken_is_no_more_there);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
