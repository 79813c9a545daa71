/* SPDX-License-Identifier: MIT */
#include "base/log_pace.h"

#include <stddef.h>

#include "unit.h"

START_TEST(the_first_line_is_due_at_once)
{
	struct log_pace pace = { 0 };
	uint64_t unsaid = 7;

	ck_assert(log_pace_due(&pace, 5, &unsaid));
	ck_assert_uint_eq(unsaid, 0);
}
END_TEST

START_TEST(the_next_is_due_when_the_time_is_over)
{
	struct log_pace pace = { 0 };

	ck_assert(log_pace_due(&pace, 5, NULL));
	ck_assert(!log_pace_due(&pace, 5, NULL));
	ck_assert(!log_pace_due(&pace, 5 + LOG_PACE_MS - 1, NULL));
	ck_assert(log_pace_due(&pace, 5 + LOG_PACE_MS, NULL));
	ck_assert(!log_pace_due(&pace, 5 + LOG_PACE_MS, NULL));
}
END_TEST

START_TEST(a_line_knows_how_many_before_it_were_not_said)
{
	struct log_pace pace = { 0 };
	uint64_t unsaid = 7;

	ck_assert(log_pace_due(&pace, 5, NULL));
	ck_assert(!log_pace_due(&pace, 6, &unsaid));
	ck_assert(!log_pace_due(&pace, 7, NULL));
	ck_assert_uint_eq(unsaid, 7);
	ck_assert(log_pace_due(&pace, 5 + LOG_PACE_MS, &unsaid));
	ck_assert_uint_eq(unsaid, 2);
	ck_assert(log_pace_due(&pace, 5 + 2 * LOG_PACE_MS, &unsaid));
	ck_assert_uint_eq(unsaid, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("log_pace");
	TCase *tcase = tcase_create("log_pace");

	tcase_add_test(tcase, the_first_line_is_due_at_once);
	tcase_add_test(tcase, the_next_is_due_when_the_time_is_over);
	tcase_add_test(tcase, a_line_knows_how_many_before_it_were_not_said);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
