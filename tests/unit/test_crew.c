/* SPDX-License-Identifier: MIT */
#include "os/crew.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#define JOBS 2000
#define PATIENCE_MS 20000

/* A job that can be held up: all that hold wait for one gate. */
struct work {
	struct crew_job job;
	bool holds;
	_Atomic int done;
};

static struct crew *crew;
static struct work works[JOBS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t news = PTHREAD_COND_INITIALIZER;
static bool open_gate;
static uint32_t held;		/* that wait for it now */

static void set_up(void)
{
	memset(works, 0, sizeof(works));
	open_gate = false;
	held = 0;
	crew = crew_new("a name too long for it", 2);
	ck_assert_ptr_nonnull(crew);
}

static void tear_down(void)
{
	ck_assert(crew_wait(crew, PATIENCE_MS));
	crew_free(crew);
}

static void work(struct crew_job *job)
{
	struct work *own = (struct work *)job;

	pthread_mutex_lock(&lock);
	if (own->holds) {
		held++;
		pthread_cond_broadcast(&news);
		while (!open_gate) {
			pthread_cond_wait(&news, &lock);
		}
		held--;
	}
	pthread_mutex_unlock(&lock);
	own->done++;
}

static void wait_held(uint32_t count)
{
	pthread_mutex_lock(&lock);
	while (held < count) {
		pthread_cond_wait(&news, &lock);
	}
	pthread_mutex_unlock(&lock);
}

static void open_all(void)
{
	pthread_mutex_lock(&lock);
	open_gate = true;
	pthread_cond_broadcast(&news);
	pthread_mutex_unlock(&lock);
}

static int submit(size_t i, bool holds, uint32_t most)
{
	works[i].job.fn = work;
	works[i].holds = holds;
	return crew_submit(crew, &works[i].job, most);
}

START_TEST(does_each_job_once)
{
	for (size_t i = 0; i < JOBS; i++) {
		ck_assert_int_eq(submit(i, false, JOBS), 0);
	}
	ck_assert(crew_wait(crew, PATIENCE_MS));
	for (size_t i = 0; i < JOBS; i++) {
		ck_assert_int_eq(works[i].done, 1);
	}
}
END_TEST

START_TEST(works_on_as_many_at_a_time_as_it_has_threads)
{
	for (size_t i = 0; i < 3; i++) {
		ck_assert_int_eq(submit(i, true, 1), 0);
	}
	wait_held(2);
	ck_assert(!crew_wait(crew, 10));
	ck_assert_int_eq(works[2].done, 0);
	open_all();
	ck_assert(crew_wait(crew, PATIENCE_MS));
	ck_assert_int_eq(works[2].done, 1);
}
END_TEST

START_TEST(lets_no_more_wait_than_may)
{
	ck_assert_int_eq(submit(0, true, 0), 0);
	ck_assert_int_eq(submit(1, true, 0), 0);
	ck_assert_int_eq(submit(2, true, 0), ERR_LIMIT);
	ck_assert_int_eq(submit(2, true, 2), 0);
	ck_assert_int_eq(submit(3, true, 2), 0);
	ck_assert_int_eq(submit(4, true, 2), ERR_LIMIT);
	open_all();
	ck_assert(crew_wait(crew, PATIENCE_MS));
	ck_assert_int_eq(submit(4, true, 0), 0);
}
END_TEST

START_TEST(takes_back_what_has_not_begun)
{
	ck_assert_int_eq(submit(0, true, 0), 0);
	ck_assert_int_eq(submit(1, true, 0), 0);
	ck_assert_int_eq(submit(2, true, 1), 0);
	wait_held(2);
	ck_assert(crew_cancel(crew, &works[2].job));
	ck_assert(!crew_cancel(crew, &works[2].job));
	ck_assert(!crew_cancel(crew, &works[0].job));
	ck_assert_int_eq(submit(3, true, 1), 0);
	open_all();
	ck_assert(crew_wait(crew, PATIENCE_MS));
	ck_assert_int_eq(works[2].done, 0);
	ck_assert_int_eq(works[3].done, 1);
}
END_TEST

static sigset_t mask;
static char name[16];

static void look(struct crew_job *job)
{
	(void)job;
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	pthread_getname_np(pthread_self(), name, sizeof(name));
}

START_TEST(threads_have_a_name_and_take_no_signals_but_their_own)
{
	sigset_t own;

	works[0].job.fn = look;
	ck_assert_int_eq(crew_submit(crew, &works[0].job, 0), 0);
	ck_assert(crew_wait(crew, PATIENCE_MS));
	ck_assert_str_eq(name, "a name too long");
	ck_assert(sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGUSR1) == 1);
	ck_assert(sigismember(&mask, SIGSEGV) == 0 && sigismember(&mask, SIGABRT) == 0);
	/* Who makes them keeps its own. */
	pthread_sigmask(SIG_SETMASK, NULL, &own);
	ck_assert(sigismember(&own, SIGUSR1) == 0);
}
END_TEST

static int depth(int left)
{
	volatile char page[1024] = { 0 };

	return left == 0 ? page[0] : depth(left - 1) + page[1];
}

static void go_deep(struct crew_job *job)
{
	((struct work *)job)->done = depth(100) + 1;
}

START_TEST(threads_have_room_for_deep_calls)
{
	works[0].job.fn = go_deep;
	ck_assert_int_eq(crew_submit(crew, &works[0].job, 0), 0);
	ck_assert(crew_wait(crew, PATIENCE_MS));
	ck_assert_int_eq(works[0].done, 1);
}
END_TEST

static void free_job(struct crew_job *job)
{
	free(job);
}

START_TEST(a_job_may_free_itself)
{
	for (size_t i = 0; i < 100; i++) {
		struct crew_job *job = malloc(sizeof(*job));

		job->fn = free_job;
		ck_assert_int_eq(crew_submit(crew, job, 100), 0);
	}
}
END_TEST

/* Three at a time, then one: those too many end with what they are about. */
START_TEST(may_become_greater_and_smaller)
{
	crew_resize(crew, 3);
	for (size_t i = 0; i < 3; i++) {
		ck_assert_int_eq(submit(i, true, 0), 0);
	}
	wait_held(3);
	crew_resize(crew, 1);
	open_all();
	ck_assert(crew_wait(crew, PATIENCE_MS));
	open_gate = false;
	ck_assert_int_eq(submit(3, true, 0), 0);
	wait_held(1);
	ck_assert_int_eq(submit(4, true, 0), ERR_LIMIT);
	ck_assert_int_eq(submit(4, true, 1), 0);
	open_all();
	ck_assert(crew_wait(crew, PATIENCE_MS));
	ck_assert_int_eq(works[4].done, 1);
}
END_TEST

START_TEST(one_without_threads_ends_too)
{
	crew_free(crew_new("unused", 1));
	crew_free(NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("crew");
	TCase *tcase = tcase_create("crew");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, does_each_job_once);
	tcase_add_test(tcase, works_on_as_many_at_a_time_as_it_has_threads);
	tcase_add_test(tcase, lets_no_more_wait_than_may);
	tcase_add_test(tcase, takes_back_what_has_not_begun);
	tcase_add_test(tcase, threads_have_a_name_and_take_no_signals_but_their_own);
	tcase_add_test(tcase, threads_have_room_for_deep_calls);
	tcase_add_test(tcase, a_job_may_free_itself);
	tcase_add_test(tcase, may_become_greater_and_smaller);
	tcase_add_test(tcase, one_without_threads_ends_too);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
