/* SPDX-License-Identifier: MIT */
/* Certificates that are tried in a process of their own, while the loop goes on. */
#include "master/preflight.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "served.h"
#include "unit.h"

#define LONG_MS 600000	/* more than it may take */

static struct rig rig;
static struct config *config;
static struct loop *loop;
static struct problems problems;
static struct preflight *preflight;
static bool done;

static void set_up(void)
{
	rig_open(&rig);
	config = served_config(&rig, "");
	loop = loop_new();
	problems_init(&problems);
	done = false;
}

static void tear_down(void)
{
	preflight_free(preflight);
	preflight = NULL;
	problems_release(&problems);
	loop_run_deferred(loop);
	loop_free(loop);
	config_free(config);
	rig_close(&rig);
}

static void on_done(void *arg)
{
	ck_assert_ptr_eq(arg, &done);
	done = true;
	loop_stop(loop);
}

static void start(void)
{
	preflight = preflight_start(loop, config, NULL, &problems, on_done, &done);
	ck_assert(!done);
}

START_TEST(says_what_a_good_certificate_shows)
{
	start();
	loop_run(loop);
	ck_assert(done);
	ck_assert_uint_eq(problems.errors, 0);
	ck_assert(!config->certificates[0].broken);
	ck_assert_ptr_nonnull(strstr(config->certificates[0].shown.pem, "CERTIFICATE"));
}
END_TEST

START_TEST(says_what_is_wrong_with_another)
{
	ck_assert_int_eq(truncate(config->certificates[0].key, 10), 0);
	start();
	loop_run(loop);
	ck_assert_uint_eq(problems.errors, 1);
	ck_assert_ptr_nonnull(strstr(problems.items[0].what, "dev.key"));
	ck_assert(config->certificates[0].broken);
}
END_TEST

static void (*first_act)(void);	/* of each child; NULL: nothing out of the ordinary */

static void act(void)
{
	if (first_act != NULL) {
		first_act();
	}
}

static void die(void)
{
	raise(SIGKILL);
}

static void hang(void)
{
	for (;;) {
		pause();
	}
}

static void expect_unknown(const char *what)
{
	ck_assert_uint_eq(problems.errors, 1);
	ck_assert_str_eq(problems.items[0].what, what);
	ck_assert(config->certificates[0].broken);
	ck_assert_ptr_null(config->certificates[0].shown.pem);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}

START_TEST(of_one_that_dies_nothing_is_believed)
{
	ck_assert_int_eq(pthread_atfork(NULL, NULL, act), 0);
	first_act = die;
	start();
	loop_run(loop);
	ck_assert(done);
	expect_unknown("the check of the certificates died");
}
END_TEST

START_TEST(one_that_hangs_is_ended)
{
	ck_assert_int_eq(pthread_atfork(NULL, NULL, act), 0);
	first_act = hang;
	start();
	timers_run(&loop->timers, loop->now_ms + LONG_MS);
	loop_run(loop);
	ck_assert(done);
	expect_unknown("the check of the certificates takes too long");
}
END_TEST

START_TEST(one_that_is_not_waited_for_leaves_no_process)
{
	start();
	preflight_free(preflight);
	preflight = NULL;
	loop_run_deferred(loop);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
	ck_assert(!done);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("preflight");
	TCase *tcase = tcase_create("preflight");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, says_what_a_good_certificate_shows);
	tcase_add_test(tcase, says_what_is_wrong_with_another);
	tcase_add_test(tcase, of_one_that_dies_nothing_is_believed);
	tcase_add_test(tcase, one_that_hangs_is_ended);
	tcase_add_test(tcase, one_that_is_not_waited_for_leaves_no_process);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
