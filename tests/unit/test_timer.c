/* SPDX-License-Identifier: MIT */
/* Timers on a clock of the test's own. */
#include "os/timer.h"
#include "unit.h"

#define BEGIN 1000003 /* ms; no multiple of a tick */

static struct timers timers;
static struct timer timer;
static struct timer other;
static int fired;
static int64_t now;

static void count(struct timer *due)
{
	ck_assert_int_le(due->due_ms, now);
	fired++;
}

static void set_up(void)
{
	now = BEGIN;
	fired = 0;
	timers_init(&timers, now);
	timer_init(&timer, count);
	timer_init(&other, count);
}

static void run_at(int64_t ms)
{
	now = ms;
	timers_run(&timers, now);
}

/* Runs when timers_wait_ms says, as a loop does, until one fires. */
static int64_t run_until_fired(int64_t latest)
{
	while (fired == 0 && now < latest) {
		int wait = timers_wait_ms(&timers, now);

		ck_assert_int_ge(wait, 0);
		run_at(now + wait);
	}
	return now;
}

START_TEST(fires_never_early_and_a_tick_late_at_most)
{
	static const int delays[] = { 0, 1, 5, 7, 8, 9, 100, 8191, 8192, 8200, 60000,
		3600000 };
	int64_t due = BEGIN + delays[_i];
	int64_t at;

	timer_set(&timers, &timer, due);
	at = run_until_fired(due + 1000);
	ck_assert_int_eq(fired, 1);
	ck_assert_int_ge(at, due);
	ck_assert_int_le(at, due + TIMER_TICK_MS);
	ck_assert(!timer_is_set(&timer));
}
END_TEST

START_TEST(has_nothing_to_wait_for_when_none_is_set)
{
	ck_assert_int_eq(timers_wait_ms(&timers, now), -1);
	timer_set(&timers, &timer, BEGIN + 10);
	timer_cancel(&timer);
	timer_cancel(&timer);
	run_at(BEGIN + 100);
	ck_assert_int_eq(fired, 0);
	ck_assert_int_eq(timers_wait_ms(&timers, now), -1);
}
END_TEST

START_TEST(moves_later_without_being_filed_anew)
{
	timer_set(&timers, &timer, BEGIN + 100);
	for (int i = 1; i <= 50; i++) {
		run_at(BEGIN + i * 50);
		timer_set(&timers, &timer, now + 100);
	}
	ck_assert_int_eq(fired, 0);
	ck_assert_int_le(run_until_fired(now + 1000), BEGIN + 2600 + TIMER_TICK_MS);
	ck_assert_int_eq(fired, 1);
}
END_TEST

START_TEST(moves_earlier)
{
	timer_set(&timers, &timer, BEGIN + 60000);
	timer_set(&timers, &timer, BEGIN + 50);
	ck_assert_int_le(run_until_fired(BEGIN + 60000), BEGIN + 50 + TIMER_TICK_MS);
}
END_TEST

START_TEST(runs_each_slot_once_after_a_long_pause)
{
	timer_set(&timers, &timer, BEGIN + 3);
	timer_set(&timers, &other, BEGIN + 7000000);
	run_at(BEGIN + 6000000);
	ck_assert_int_eq(fired, 1);
	run_at(BEGIN + 7000008);
	ck_assert_int_eq(fired, 2);
}
END_TEST

static void cancel_other(struct timer *due)
{
	(void)due;
	fired++;
	timer_cancel(&other);
}

START_TEST(cancels_one_that_is_due_at_the_same_time)
{
	timer_init(&timer, cancel_other);
	timer_set(&timers, &timer, BEGIN + 10);
	timer_set(&timers, &other, BEGIN + 10);
	run_at(BEGIN + 20);
	ck_assert_int_eq(fired, 1);
	ck_assert(!timer_is_set(&other));
}
END_TEST

static void set_both_later(struct timer *due)
{
	fired++;
	timer_set(&timers, due, now + 10);
	timer_set(&timers, &other, now + 5000);
}

START_TEST(sets_itself_and_another_from_its_callback)
{
	timer_init(&timer, set_both_later);
	timer_set(&timers, &timer, BEGIN + 10);
	timer_set(&timers, &other, BEGIN + 10);
	run_at(BEGIN + 20);
	ck_assert_int_eq(fired, 1);
	run_at(BEGIN + 40);
	ck_assert_int_eq(fired, 2);
	ck_assert(timer_is_set(&other));
}
END_TEST

/* More timers than slots, in an order that is none; each fires once, in its time. */
START_TEST(keeps_thousands_of_timers_apart)
{
	static struct timer many[5000];
	uint32_t random = 1;
	size_t late = 0;

	for (size_t i = 0; i < 5000; i++) {
		random = random * 1664525 + 1013904223;
		timer_init(&many[i], count);
		timer_set(&timers, &many[i], BEGIN + random % 30000);
	}
	while (now < BEGIN + 30000) {
		run_at(now + 11);
		for (size_t i = 0; i < 5000; i++) {
			late += timer_is_set(&many[i]) &&
			    many[i].due_ms <= now - TIMER_TICK_MS;
		}
		ck_assert_uint_eq(late, 0);
	}
	run_at(BEGIN + 30016);
	ck_assert_int_eq(fired, 5000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("timer");
	TCase *tests = tcase_create("timers");

	tcase_add_checked_fixture(tests, set_up, NULL);
	tcase_add_loop_test(tests, fires_never_early_and_a_tick_late_at_most, 0, 12);
	tcase_add_test(tests, has_nothing_to_wait_for_when_none_is_set);
	tcase_add_test(tests, moves_later_without_being_filed_anew);
	tcase_add_test(tests, moves_earlier);
	tcase_add_test(tests, runs_each_slot_once_after_a_long_pause);
	tcase_add_test(tests, cancels_one_that_is_due_at_the_same_time);
	tcase_add_test(tests, sets_itself_and_another_from_its_callback);
	tcase_add_test(tests, keeps_thousands_of_timers_apart);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
