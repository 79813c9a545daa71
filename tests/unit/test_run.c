/* SPDX-License-Identifier: MIT */
#include "plugin/run.h"

#include "threads_rig.h"

static char told[256];		/* what was called, in order, a word each */
static int opened;		/* what run_start said in on_open */

static void set_up(void)
{
	threads_open();
	told[0] = '\0';
}

static void tell(const char *word)
{
	size_t used = strlen(told);

	snprintf(told + used, sizeof(told) - used, "%s", word);
}

static void work(void *arg)
{
	ck_assert_ptr_nonnull(api_thread());
	ck_assert_ptr_null(api_instance());
	tell(arg);
}

static void work_slowly(void *arg)
{
	wait_at_gate();
	work(arg);
}

static void done(void *arg)
{
	ck_assert_ptr_null(api_thread());
	ck_assert_ptr_eq(api_instance(), arg == NULL ? NULL : &instance);
	tell(" done ");
	tell(arg);
}

static int start(void (*what)(void *arg), void (*then)(void *arg), const char *name)
{
	return run_start(&instance, services.loop, what, then, (void *)name);
}

START_TEST(works_on_the_thread_and_tells_the_loop)
{
	ck_assert_int_eq(start(work, done, "a"), 0);
	ck_assert_int_eq(holds, 1);
	let_pass();
	ck_assert_str_eq(told, "a");
	ck_assert(instance_is_busy(&instance));
	run_turn();
	ck_assert_str_eq(told, "a done a");
	ck_assert(!instance_is_busy(&instance));
	ck_assert_ptr_null(api_instance());
}
END_TEST

START_TEST(works_though_nobody_wants_to_know)
{
	ck_assert_int_eq(start(work, NULL, "a"), 0);
	let_pass();
	run_turn();
	ck_assert_str_eq(told, "a");
	ck_assert_int_eq(holds, 0);
}
END_TEST

START_TEST(does_one_after_the_other)
{
	ck_assert_int_eq(start(work_slowly, done, "a"), 0);
	ck_assert_int_eq(start(work, done, "b"), 0);
	ck_assert_int_eq(start(work, done, "c"), 0);
	wait_arrived();
	ck_assert_str_eq(told, "");
	let_pass();
	run_turn();
	ck_assert_str_eq(told, "abc done a done b done c");
}
END_TEST

START_TEST(lets_no_more_wait_than_may)
{
	ck_assert_int_eq(start(work_slowly, done, ""), 0);
	wait_arrived();
	for (size_t i = 0; i < RUN_QUEUE; i++) {
		ck_assert_int_eq(start(work_slowly, NULL, ""), 0);
	}
	ck_assert_int_eq(start(work, done, "too many"), ERR_LIMIT);
	ck_assert_int_eq(holds, RUN_QUEUE + 1);
	let_pass();
	run_turn();
	ck_assert_str_eq(told, " done ");
	ck_assert_int_eq(start(work, done, "a"), 0);
}
END_TEST

static void note_close(void *state)
{
	(void)state;
	tell("closed");
}

START_TEST(an_instance_is_not_closed_while_it_works)
{
	handler.on_close = note_close;
	ck_assert_int_eq(start(work_slowly, done, "a"), 0);
	wait_arrived();
	instance_close(&instance);
	ck_assert_str_eq(told, "");
	let_pass();
	instance_close(&instance);
	run_turn();
	ck_assert_str_eq(told, "a done a");
}
END_TEST

static void tell_late(void *arg)
{
	ck_assert_ptr_nonnull(api_instance());
	tell(arg);
}

static int start_and_refuse(tc_conf *cf, void **state)
{
	(void)cf;
	(void)state;
	opened = run_start(api_instance(), services.loop, work_slowly, tell_late,
	    (void *)"a");
	return TC_FAIL;
}

/* It is freed when its last job is back: a sanitizer sees whether that is so. */
START_TEST(an_instance_that_refuses_is_there_for_what_it_has_begun)
{
	struct settings settings;
	struct problems problems;

	settings_init(&settings);
	problems_init(&problems);
	handler.on_open = start_and_refuse;
	ck_assert_ptr_null(instance_open(&plugin,
	    &(struct instance_setup){ .settings = &settings, .directory = "/srv",
		.where = "routes[0]", .owner = &owner }, &problems));
	ck_assert_uint_eq(problems.errors, 1);
	ck_assert_int_eq(opened, 0);
	ck_assert_int_eq(holds, 1);
	wait_arrived();
	let_pass();
	run_turn();
	ck_assert_str_eq(told, "aa");
	ck_assert_int_eq(holds, 0);
	problems_release(&problems);
	settings_release(&settings);
}
END_TEST

static int start_and_open(tc_conf *cf, void **state)
{
	(void)start_and_refuse(cf, state);
	return TC_OK;
}

/* Whose settings nobody asked for has opened all the same: it is closed then. */
START_TEST(an_instance_that_is_refused_is_closed_when_its_work_is_done)
{
	struct settings settings;
	struct problems problems;

	settings_init(&settings);
	settings_add(&settings, "", SETTING_OBJECT, "{}", "{}", "routes[0].settings");
	settings_add(&settings, "typo", SETTING_STRING, "", "\"\"",
	    "routes[0].settings.typo");
	problems_init(&problems);
	handler.on_open = start_and_open;
	handler.on_close = note_close;
	ck_assert_ptr_null(instance_open(&plugin,
	    &(struct instance_setup){ .settings = &settings, .directory = "/srv",
		.where = "routes[0]", .owner = &owner }, &problems));
	ck_assert_uint_eq(problems.errors, 1);
	ck_assert_int_eq(holds, 1);
	wait_arrived();
	ck_assert_str_eq(told, "");
	let_pass();
	run_turn();
	ck_assert_str_eq(told, "aaclosed");
	ck_assert_int_eq(holds, 0);
	problems_release(&problems);
	settings_release(&settings);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("run");
	TCase *tcase = tcase_create("run");

	tcase_add_checked_fixture(tcase, set_up, threads_close);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, works_on_the_thread_and_tells_the_loop);
	tcase_add_test(tcase, works_though_nobody_wants_to_know);
	tcase_add_test(tcase, does_one_after_the_other);
	tcase_add_test(tcase, lets_no_more_wait_than_may);
	tcase_add_test(tcase, an_instance_is_not_closed_while_it_works);
	tcase_add_test(tcase,
	    an_instance_that_refuses_is_there_for_what_it_has_begun);
	tcase_add_test(tcase,
	    an_instance_that_is_refused_is_closed_when_its_work_is_done);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
