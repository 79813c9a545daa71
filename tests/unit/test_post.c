/* SPDX-License-Identifier: MIT */
#include "plugin/post.h"

#include <pthread.h>
#include <stdatomic.h>

#include "plugin/instance.h"
#include "rig.h"
#include "unit.h"

#define THREADS 4
#define POSTS 20000		/* of each thread */

static struct loop *loop;
static struct plugin plugin = { .note = { .name = "post" } };
static struct instance instance;
static tc_loop *mailbox;
static struct posted stopper;

static void set_up(void)
{
	loop = loop_new();
	instance = (struct instance){ .plugin = &plugin };
	api_serve(&rig_services);
	mailbox = mailbox_of(&instance, loop);
	ck_assert_ptr_nonnull(mailbox);
}

static void tear_down(void)
{
	mailbox_close(&instance, false);
	loop_free(loop);
}

static void stop(struct posted *posted)
{
	(void)posted;
	loop_stop(loop);
}

/* Rounds until all that is posted now has been delivered, as far as a turn goes. */
static void run_turn(void)
{
	stopper.fn = stop;
	loop_post(loop, &stopper);
	loop_run(loop);
}

static size_t calls;

static void call(void *arg)
{
	ck_assert_ptr_eq(arg, &calls);
	ck_assert_ptr_eq(api_instance(), &instance);
	calls++;
}

START_TEST(calls_what_is_posted_as_the_instance)
{
	calls = 0;
	ck_assert_int_eq(mailbox_post(mailbox, call, &calls), TC_OK);
	ck_assert_int_eq(mailbox_post(mailbox, call, &calls), TC_OK);
	ck_assert_uint_eq(calls, 0);
	run_turn();
	ck_assert_uint_eq(calls, 2);
	ck_assert_ptr_null(api_instance());
}
END_TEST

START_TEST(an_instance_has_one_mailbox)
{
	ck_assert_ptr_eq(mailbox_of(&instance, loop), mailbox);
}
END_TEST

START_TEST(refuses_what_makes_no_sense)
{
	ck_assert_int_eq(mailbox_post(NULL, call, NULL), TC_INVALID);
	ck_assert_int_eq(mailbox_post(mailbox, NULL, NULL), TC_INVALID);
}
END_TEST

START_TEST(takes_no_more_than_its_bound_until_some_are_delivered)
{
	calls = 0;
	for (size_t i = 0; i < MAILBOX_MAX; i++) {
		ck_assert_int_eq(mailbox_post(mailbox, call, &calls), TC_OK);
	}
	ck_assert_int_eq(mailbox_post(mailbox, call, &calls), TC_LIMIT);
	run_turn();
	ck_assert_uint_gt(calls, 0);
	ck_assert_int_eq(mailbox_post(mailbox, call, &calls), TC_OK);
	while (calls <= MAILBOX_MAX) {
		run_turn();
	}
	ck_assert_uint_eq(calls, MAILBOX_MAX + 1);
}
END_TEST

/* Another mailbox's single post does not wait for all of one that is full. */
START_TEST(a_full_one_leaves_room_for_others)
{
	struct instance other = { .plugin = &plugin };
	tc_loop *others = mailbox_of(&other, loop);

	calls = 0;
	for (size_t i = 0; i < MAILBOX_MAX; i++) {
		ck_assert_int_eq(mailbox_post(mailbox, call, &calls), TC_OK);
	}
	run_turn();
	ck_assert_uint_lt(calls, MAILBOX_MAX / 2);
	mailbox_close(&other, false);
	ck_assert_int_eq(mailbox_post(others, call, NULL), TC_GONE);
}
END_TEST

START_TEST(delivers_what_waits_when_it_is_closed)
{
	calls = 0;
	ck_assert_int_eq(mailbox_post(mailbox, call, &calls), TC_OK);
	mailbox_close(&instance, true);
	ck_assert_uint_eq(calls, 1);
	ck_assert_int_eq(mailbox_post(mailbox, call, &calls), TC_GONE);
	run_turn();
	ck_assert_uint_eq(calls, 1);
}
END_TEST

START_TEST(drops_what_waits_if_that_is_wanted)
{
	calls = 0;
	ck_assert_int_eq(mailbox_post(mailbox, call, &calls), TC_OK);
	mailbox_close(&instance, false);
	run_turn();
	ck_assert_uint_eq(calls, 0);
}
END_TEST

struct poster {
	pthread_t thread;
	size_t posted;		/* that were taken */
	size_t next;		/* the loop's: that are delivered */
	size_t wrong;
	bool ended;
};

struct memo {
	struct poster *poster;
	size_t number;
};

static size_t posters_done;

static void take_memo(void *arg)
{
	struct memo *memo = arg;

	memo->poster->wrong += memo->number != memo->poster->next++;
	free(memo);
}

static void take_end(void *arg)
{
	struct poster *poster = arg;

	poster->ended = true;
	if (++posters_done == THREADS) {
		loop_stop(loop);
	}
}

static int post_number(struct poster *poster, size_t number)
{
	struct memo *memo = malloc(sizeof(*memo));
	int result;

	*memo = (struct memo){ poster, number };
	while ((result = mailbox_post(mailbox, take_memo, memo)) == TC_LIMIT) {
		sched_yield();
	}
	if (result != TC_OK) {
		free(memo);
	}
	return result;
}

static void *post_all(void *arg)
{
	struct poster *poster = arg;

	for (size_t i = 0; i < POSTS; i++) {
		ck_assert_int_eq(post_number(poster, i), TC_OK);
	}
	ck_assert_int_eq(mailbox_post(mailbox, take_end, poster), TC_OK);
	return NULL;
}

START_TEST(keeps_the_order_of_each_of_many_threads)
{
	struct poster posters[THREADS] = { 0 };

	posters_done = 0;
	for (size_t i = 0; i < THREADS; i++) {
		pthread_create(&posters[i].thread, NULL, post_all, &posters[i]);
	}
	loop_run(loop);
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(posters[i].thread, NULL);
		ck_assert_uint_eq(posters[i].next, POSTS);
		ck_assert_uint_eq(posters[i].wrong, 0);
		ck_assert(posters[i].ended);
	}
}
END_TEST

static void *post_until_closed(void *arg)
{
	struct poster *poster = arg;

	while (post_number(poster, poster->posted) == TC_OK) {
		poster->posted++;
	}
	return NULL;
}

/* Whatever was taken has been called when the close is over; the rest was refused. */
START_TEST(a_close_loses_nothing_that_was_taken)
{
	struct poster posters[THREADS] = { 0 };

	for (size_t i = 0; i < THREADS; i++) {
		pthread_create(&posters[i].thread, NULL, post_until_closed, &posters[i]);
	}
	run_turn();
	run_turn();
	mailbox_close(&instance, true);
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(posters[i].thread, NULL);
		ck_assert_uint_eq(posters[i].next, posters[i].posted);
		ck_assert_uint_eq(posters[i].wrong, 0);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("post");
	TCase *tcase = tcase_create("post");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, calls_what_is_posted_as_the_instance);
	tcase_add_test(tcase, an_instance_has_one_mailbox);
	tcase_add_test(tcase, refuses_what_makes_no_sense);
	tcase_add_test(tcase, takes_no_more_than_its_bound_until_some_are_delivered);
	tcase_add_test(tcase, a_full_one_leaves_room_for_others);
	tcase_add_test(tcase, delivers_what_waits_when_it_is_closed);
	tcase_add_test(tcase, drops_what_waits_if_that_is_wanted);
	tcase_add_test(tcase, keeps_the_order_of_each_of_many_threads);
	tcase_add_test(tcase, a_close_loses_nothing_that_was_taken);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
