/* SPDX-License-Identifier: MIT */
#include "plugin/alarm.h"

#include "plugin/api.h"
#include "plugin/instance.h"
#include "rig.h"
#include "unit.h"

static struct loop *loop;
static struct plugin plugin = { .note = { .name = "clock" } };
static struct instance instance = { .plugin = &plugin };
static struct alarm *own;
static int fired;
static int64_t fired_us;

static void set_up(void)
{
	loop = loop_new();
	list_init(&instance.alarms);
	api_serve(&rig_services);
	fired = 0;
	own = NULL;
}

static void tear_down(void)
{
	alarms_cancel(&instance.alarms);
	loop_free(loop);
}

static void fire(void *arg)
{
	ck_assert_ptr_eq(arg, &fired);
	ck_assert_ptr_eq(api_instance(), &instance);
	fired++;
	fired_us = clock_us();
}

static void stop(void *arg)
{
	(void)arg;
	loop_stop(loop);
}

static struct alarm *set(int64_t ms, void (*fn)(void *arg))
{
	struct alarm *alarm = alarm_new(&instance, loop, ms, fn, &fired);

	ck_assert_ptr_nonnull(alarm);
	return alarm;
}

static void run_for(int64_t ms)
{
	set(ms, stop);
	loop_run(loop);
}

START_TEST(fires_once_and_not_before_its_time)
{
	int64_t set_us = clock_us();

	set(30, fire);
	run_for(100);
	ck_assert_int_eq(fired, 1);
	ck_assert_int_ge(fired_us - set_us, 30000);
	ck_assert(list_empty(&instance.alarms));
	ck_assert_ptr_null(api_instance());
}
END_TEST

START_TEST(a_time_that_has_passed_is_now)
{
	set(-5, fire);
	set(INT64_MIN, fire);
	run_for(50);
	ck_assert_int_eq(fired, 2);
}
END_TEST

START_TEST(a_time_that_never_comes_is_far)
{
	set(INT64_MAX, fire);
	run_for(20);
	ck_assert_int_eq(fired, 0);
	ck_assert(!list_empty(&instance.alarms));
}
END_TEST

START_TEST(a_cancelled_one_does_not_fire)
{
	struct alarm *first = set(0, fire);

	set(0, fire);
	alarm_cancel(first);
	alarm_cancel(NULL);
	run_for(50);
	ck_assert_int_eq(fired, 1);
}
END_TEST

static void cancel_own(void *arg)
{
	fire(arg);
	alarm_cancel(own);
	set(0, fire);
}

START_TEST(one_may_cancel_itself_and_set_another)
{
	own = set(0, cancel_own);
	run_for(50);
	ck_assert_int_eq(fired, 2);
}
END_TEST

START_TEST(all_of_an_instance_go_at_once)
{
	set(0, fire);
	set(10, fire);
	alarms_cancel(&instance.alarms);
	run_for(50);
	ck_assert_int_eq(fired, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("alarm");
	TCase *tcase = tcase_create("alarm");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, fires_once_and_not_before_its_time);
	tcase_add_test(tcase, a_time_that_has_passed_is_now);
	tcase_add_test(tcase, a_time_that_never_comes_is_far);
	tcase_add_test(tcase, a_cancelled_one_does_not_fire);
	tcase_add_test(tcase, one_may_cancel_itself_and_set_another);
	tcase_add_test(tcase, all_of_an_instance_go_at_once);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
