/* SPDX-License-Identifier: MIT */
/* The event loop: what runs when. */
#include "os/loop.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"

static struct loop *loop;
static char order[64]; /* a letter for each callback, in turn */

static void note(char letter)
{
	size_t used = strlen(order);

	ck_assert_uint_lt(used + 1, sizeof(order));
	order[used] = letter;
}

static void set_up(void)
{
	memset(order, 0, sizeof(order));
	loop = loop_new();
}

static void tear_down(void)
{
	loop_free(loop);
}

static void on_stop(struct timer *timer)
{
	(void)timer;
	note('t');
	loop_stop(loop);
}

static void stop_after(struct timer *timer, int ms)
{
	timer_init(timer, on_stop);
	timer_set(&loop->timers, timer, loop->now_ms + ms);
}

START_TEST(waits_for_a_timer_and_not_shorter)
{
	int64_t start = clock_us();
	struct timer timer;

	stop_after(&timer, 30);
	loop_run(loop);
	/* The loop's clock cuts to a millisecond. */
	ck_assert_int_ge(clock_us() - start, 29000);
	ck_assert_str_eq(order, "t");
}
END_TEST

static struct deferred first;
static struct deferred second;

static void run_second(struct deferred *deferred)
{
	(void)deferred;
	note('2');
}

static void run_first(struct deferred *deferred)
{
	(void)deferred;
	note('1');
	loop_defer(loop, &second);
}

START_TEST(runs_deferred_work_once_and_what_it_defers_too)
{
	struct timer timer;

	deferred_init(&first, run_first);
	deferred_init(&second, run_second);
	loop_defer(loop, &first);
	loop_defer(loop, &first);
	stop_after(&timer, 0);
	loop_run(loop);
	ck_assert_ptr_nonnull(strstr(order, "12"));
	ck_assert_ptr_null(strstr(strchr(order, '1') + 1, "1"));
}
END_TEST

static int rounds;

static void ask_again(struct deferred *deferred)
{
	note('s');
	loop_defer(loop, &second);
	if (++rounds < 3) {
		loop_soon(loop, deferred);
	} else {
		loop_stop(loop);
	}
}

/* Each soon is a round of its own, with the deferred work of the round behind it. */
START_TEST(runs_soon_in_the_next_round_without_waiting)
{
	struct timer timer;
	int64_t start = clock_us();

	rounds = 0;
	deferred_init(&first, ask_again);
	deferred_init(&second, run_second);
	stop_after(&timer, 10000);
	loop_soon(loop, &first);
	loop_run(loop);
	ck_assert_str_eq(order, "s2s2s2");
	ck_assert_int_lt(clock_us() - start, 5000000);
}
END_TEST

static void cancel_second(struct deferred *deferred)
{
	(void)deferred;
	note('c');
	deferred_cancel(&second);
	loop_stop(loop);
}

START_TEST(takes_back_work_of_the_same_round)
{
	deferred_init(&first, cancel_second);
	deferred_init(&second, run_second);
	loop_soon(loop, &first);
	loop_soon(loop, &second);
	loop_run(loop);
	deferred_cancel(&first);
	ck_assert_str_eq(order, "c");
}
END_TEST

struct pipe {
	struct watch watch;
	int write_fd;
};

static void on_readable(struct watch *watch, uint32_t events)
{
	char byte;

	ck_assert(events & EPOLLIN);
	ck_assert_int_eq(read(watch->fd, &byte, 1), 1);
	note(byte);
	if (byte == 'z') {
		loop_stop(loop);
	}
}

START_TEST(tells_of_descriptors_until_they_are_removed)
{
	struct pipe pipes[2];
	struct timer timer;

	for (size_t i = 0; i < 2; i++) {
		int fds[2];

		ck_assert_int_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
		pipes[i] = (struct pipe){ { .fd = fds[0], .fn = on_readable }, fds[1] };
		ck_assert_int_eq(loop_add(loop, &pipes[i].watch, EPOLLIN), 0);
	}
	loop_remove(loop, &pipes[1].watch);
	ck_assert_int_eq(write(pipes[1].write_fd, "x", 1), 1);
	ck_assert_int_eq(write(pipes[0].write_fd, "az", 2), 2);
	stop_after(&timer, 10000);
	loop_run(loop);
	ck_assert_str_eq(order, "az");
	timer_cancel(&timer);
	for (size_t i = 0; i < 2; i++) {
		close(pipes[i].watch.fd);
		close(pipes[i].write_fd);
	}
}
END_TEST

struct letter {
	struct posted posted;
	char letter;
};

static void take_letter(struct posted *posted)
{
	note(((struct letter *)posted)->letter);
}

static void *post_letters(void *arg)
{
	struct letter *letters = arg;

	for (size_t i = 0; i < 3; i++) {
		loop_post(loop, &letters[i].posted);
	}
	return NULL;
}

static void stop_loop(struct posted *posted)
{
	(void)posted;
	loop_stop(loop);
}

START_TEST(runs_what_another_thread_posts_in_its_order)
{
	struct letter letters[] = { { { .fn = take_letter }, 'a' },
		{ { .fn = take_letter }, 'b' }, { { .fn = take_letter }, 'c' } };
	struct posted last = { .fn = stop_loop };
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, post_letters, letters), 0);
	pthread_join(thread, NULL);
	loop_post(loop, &last);
	loop_run(loop);
	ck_assert_str_eq(order, "abc");
}
END_TEST

static void post_again(struct posted *posted)
{
	note('p');
	if (strlen(order) < 3) {
		loop_post(loop, posted);
	} else {
		loop_stop(loop);
	}
}

/* It may be posted anew from in there: that is for the next round. */
START_TEST(wakes_for_what_is_posted_from_a_post)
{
	struct posted posted = { .fn = post_again };

	loop_post(loop, &posted);
	loop_run(loop);
	ck_assert_str_eq(order, "ppp");
}
END_TEST

static void *post_late(void *arg)
{
	struct pollfd never = { .fd = -1 };

	/* Long enough for the loop to sleep; if it does not yet, nothing is lost. */
	poll(&never, 1, 20);
	loop_post(loop, arg);
	return NULL;
}

START_TEST(wakes_up_for_a_post)
{
	struct posted posted = { .fn = stop_loop };
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, post_late, &posted), 0);
	loop_run(loop);
	pthread_join(thread, NULL);
}
END_TEST

START_TEST(reports_a_descriptor_that_cannot_be_watched)
{
	struct watch watch = { .fd = -1, .fn = on_readable };

	ck_assert_int_eq(loop_add(loop, &watch, EPOLLIN), ERR_SYSTEM);
	loop_remove(loop, &watch);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("loop");
	TCase *tests = tcase_create("loop");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 30);
	tcase_add_test(tests, waits_for_a_timer_and_not_shorter);
	tcase_add_test(tests, runs_deferred_work_once_and_what_it_defers_too);
	tcase_add_test(tests, runs_soon_in_the_next_round_without_waiting);
	tcase_add_test(tests, takes_back_work_of_the_same_round);
	tcase_add_test(tests, tells_of_descriptors_until_they_are_removed);
	tcase_add_test(tests, runs_what_another_thread_posts_in_its_order);
	tcase_add_test(tests, wakes_for_what_is_posted_from_a_post);
	tcase_add_test(tests, wakes_up_for_a_post);
	tcase_add_test(tests, reports_a_descriptor_that_cannot_be_watched);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
