/* SPDX-License-Identifier: MIT */
/* How fast bytes move: over a while, over many, at no rate. */
#include "worker/pace.h"

#include "unit.h"

#define RATE 100
#define WHILE_MS 2000

static struct pace pace;

static void set_up(void)
{
	pace_begin(&pace, 5000);
}

/* After bytes more, at that time. */
static bool slow(uint64_t bytes, int64_t at_ms)
{
	pace.bytes += bytes;
	return pace_slow(&pace, at_ms, WHILE_MS, RATE);
}

START_TEST(asks_for_nothing_before_the_while_is_over)
{
	ck_assert(!slow(0, 5000));
	ck_assert(!slow(1, 6999));
	ck_assert(slow(0, 7000));
}
END_TEST

START_TEST(is_content_with_the_rate_and_with_no_less)
{
	ck_assert(slow(199, 7000));
	ck_assert(!slow(1, 7000));
}
END_TEST

START_TEST(asks_again_of_each_while)
{
	ck_assert(!slow(100000, 7000));
	ck_assert(!slow(199, 8999));
	ck_assert(slow(0, 9000));
	/* And goes on saying so. */
	ck_assert(slow(0, 9001));
}
END_TEST

/* Who is looked at late has had more time, and owes more. */
START_TEST(asks_for_more_the_longer_it_was)
{
	ck_assert(slow(499, 10000));
	ck_assert(!slow(1, 10000));
}
END_TEST

START_TEST(takes_any_pace_without_a_rate)
{
	ck_assert(!pace_slow(&pace, INT64_MAX / 2, WHILE_MS, 0));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pace");
	TCase *tests = tcase_create("pace");

	tcase_add_checked_fixture(tests, set_up, NULL);
	tcase_add_test(tests, asks_for_nothing_before_the_while_is_over);
	tcase_add_test(tests, is_content_with_the_rate_and_with_no_less);
	tcase_add_test(tests, asks_again_of_each_while);
	tcase_add_test(tests, asks_for_more_the_longer_it_was);
	tcase_add_test(tests, takes_any_pace_without_a_rate);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
