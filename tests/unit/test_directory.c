/* SPDX-License-Identifier: MIT */
/* Real files in a directory of /tmp, changed by real system calls. */
#include "os/directory.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"
#include "unit.h"

#define DEADLINE_MS 20000

static struct loop *loop;
static struct directory_watch watch;
static char top[FOLDER_BYTES];
static char folder[64];		/* the one that is watched; inside top */
static unsigned calls;
static int64_t called_ms;
static int64_t changed_ms;	/* when the test last changed something */

/* What a test does while the loop runs, every so many milliseconds. */
static struct timer work;
static void (*do_work)(void);
static int64_t work_every_ms;
static struct timer deadline;
static unsigned work_left;

static void on_changed(void *arg)
{
	ck_assert_ptr_eq(arg, folder);
	calls++;
	called_ms = clock_us() / 1000;
	loop_stop(loop);
}

static void on_deadline(struct timer *timer)
{
	(void)timer;
	loop_stop(loop);
}

static void on_work(struct timer *timer)
{
	if (work_left > 0) {
		work_left--;
		do_work();
		timer_set(&loop->timers, timer, loop->now_ms + work_every_ms);
	}
}

static void start_watch(void)
{
	ck_assert_int_eq(directory_watch_init(&watch, loop, folder, on_changed, folder),
	    0);
}

static void set_up(void)
{
	folder_make(top);
	snprintf(folder, sizeof(folder), "%s/plugins", top);
	ck_assert_int_eq(mkdir(folder, 0755), 0);
	loop = loop_new();
	calls = 0;
	timer_init(&work, on_work);
	timer_init(&deadline, on_deadline);
}

static void tear_down(void)
{
	directory_watch_release(&watch);
	timer_cancel(&work);
	timer_cancel(&deadline);
	loop_free(loop);
	folder_remove(top);
}

/* Runs the loop for that long, or until changed is called. */
static void run_for(int64_t time_ms)
{
	timer_set(&loop->timers, &deadline, clock_us() / 1000 + time_ms);
	loop_run(loop);
	timer_cancel(&deadline);
}

/* Waits for one call, which must not come before the time of quiet is over. */
static void expect_change(void)
{
	unsigned before = calls;

	changed_ms = clock_us() / 1000;
	run_for(DEADLINE_MS);
	ck_assert_uint_eq(calls, before + 1);
	ck_assert_int_ge(called_ms - changed_ms, DIRECTORY_QUIET_MS - 1);
}

static void expect_nothing(void)
{
	unsigned before = calls;

	run_for(3 * DIRECTORY_QUIET_MS);
	ck_assert_uint_eq(calls, before);
}

/* Does not wait for its turn. */
static void rescan(void)
{
	timer_set(&loop->timers, &watch.rescan, clock_us() / 1000);
}

static const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void append(const char *name, const char *text)
{
	int fd = open(path_of(name), O_WRONLY | O_CREAT | O_APPEND, 0644);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ck_assert_int_eq(close(fd), 0);
	changed_ms = clock_us() / 1000;
}

static void move(const char *from, const char *to)
{
	char target[128];

	snprintf(target, sizeof(target), "%s/%s", folder, to);
	ck_assert_int_eq(rename(path_of(from), target), 0);
}

START_TEST(tells_of_a_file_that_comes_changes_and_goes)
{
	start_watch();
	append("a.so", "one");
	expect_change();
	append("a.so", "two");
	expect_change();
	ck_assert_int_eq(chmod(path_of("a.so"), 0600), 0);
	expect_change();
	move("a.so", "b.so");
	expect_change();
	ck_assert_int_eq(unlink(path_of("b.so")), 0);
	expect_change();
	expect_nothing();
}
END_TEST

START_TEST(tells_of_links_and_of_renames_from_other_names)
{
	append("a.so.tmp", "one");
	append("b", "two");
	start_watch();
	move("a.so.tmp", "a.so");
	expect_change();
	ck_assert_int_eq(symlinkat("a.so", AT_FDCWD, path_of("c.so")), 0);
	expect_change();
	move("a.so", ".a.so");
	expect_change();
}
END_TEST

START_TEST(many_changes_are_told_once)
{
	start_watch();
	for (int i = 0; i < 2000; i++) {
		char name[32];

		snprintf(name, sizeof(name), "%d.so", i % 100);
		append(name, "x");
	}
	expect_change();
	expect_nothing();
}
END_TEST

START_TEST(other_names_do_not_count)
{
	start_watch();
	append(".hidden.so", "x");
	append("half.so.tmp", "x");
	append("so", "x");
	append(".so", "x");
	append("x.SO", "x");
	ck_assert_int_eq(unlink(path_of("so")), 0);
	expect_nothing();
}
END_TEST

START_TEST(what_was_there_before_is_not_told)
{
	append("a.so", "x");
	start_watch();
	expect_nothing();
}
END_TEST

static void append_again(void)
{
	append("slow.so", "more");
}

START_TEST(each_event_begins_the_quiet_time_anew)
{
	start_watch();
	do_work = append_again;
	work_every_ms = 150;
	work_left = 6;
	timer_set(&loop->timers, &work, loop->now_ms);
	expect_change();
	ck_assert_uint_eq(work_left, 0);
	ck_assert_int_ge(called_ms - changed_ms, DIRECTORY_QUIET_MS - 1);
	expect_nothing();
}
END_TEST

static int slow_fd;

static void write_again(void)
{
	ck_assert_int_eq(write(slow_fd, "x", 1), 1);
	changed_ms = clock_us() / 1000;
}

/* Such a writer makes an event at its begin only: sizes tell that it goes on. */
START_TEST(waits_for_a_writer_that_keeps_the_file_open)
{
	start_watch();
	slow_fd = open(path_of("slow.so"), O_WRONLY | O_CREAT, 0644);
	ck_assert_int_ge(slow_fd, 0);
	do_work = write_again;
	work_every_ms = 100;
	work_left = 10;
	timer_set(&loop->timers, &work, loop->now_ms);
	expect_change();
	ck_assert_uint_eq(work_left, 0);
	ck_assert_int_eq(close(slow_fd), 0);
	expect_change();
}
END_TEST

START_TEST(noise_without_end_does_not_keep_others_waiting)
{
	int64_t begin_ms;

	start_watch();
	append("other.so", "x");
	do_work = append_again;
	work_every_ms = 50;
	work_left = UINT32_MAX;
	begin_ms = clock_us() / 1000;
	timer_set(&loop->timers, &work, loop->now_ms);
	run_for(DEADLINE_MS);
	ck_assert_uint_eq(calls, 1);
	ck_assert_int_ge(called_ms - begin_ms, DIRECTORY_NOISE_MS - 100);
	ck_assert_int_le(called_ms - begin_ms, 2 * DIRECTORY_NOISE_MS);
	work_left = 1;
	expect_change();
	expect_nothing();
}
END_TEST

/* The kernel keeps so many events and drops the next, perhaps the only one that counts:
 * here that of a.so, which is then found by looking. */
START_TEST(events_that_the_kernel_has_dropped_are_made_up_for)
{
	FILE *in = fopen("/proc/sys/fs/inotify/max_queued_events", "r");
	int most = 0;

	ck_assert_ptr_nonnull(in);
	ck_assert_int_eq(fscanf(in, "%d", &most), 1);
	fclose(in);
	start_watch();
	/* Those that are alike and follow one another become one. */
	for (int i = 0; i < most; i++) {
		append(i % 2 == 0 ? "one" : "two", "");
	}
	append("a.so", "x");
	expect_change();
}
END_TEST

START_TEST(a_directory_that_is_replaced_is_watched_on)
{
	char old[80];

	snprintf(old, sizeof(old), "%s/old", top);
	append("a.so", "x");
	start_watch();
	ck_assert_int_eq(rename(folder, old), 0);
	ck_assert_int_eq(mkdir(folder, 0755), 0);
	expect_change();
	append("b.so", "x");
	expect_change();
	snprintf(folder, sizeof(folder), "%s/old", top);
	append("c.so", "x");
	snprintf(folder, sizeof(folder), "%s/plugins", top);
	expect_nothing();
}
END_TEST

START_TEST(a_directory_that_comes_later_is_seen)
{
	ck_assert_int_eq(rmdir(folder), 0);
	start_watch();
	expect_nothing();
	ck_assert_int_eq(mkdir(folder, 0755), 0);
	append("a.so", "x");
	rescan();
	expect_change();
	append("b.so", "x");
	expect_change();
	ck_assert_int_eq(unlink(path_of("a.so")), 0);
	ck_assert_int_eq(unlink(path_of("b.so")), 0);
	ck_assert_int_eq(rmdir(folder), 0);
	expect_change();
}
END_TEST

/* As on a file system whose changes the kernel does not tell of. */
START_TEST(a_rescan_sees_what_no_event_told)
{
	start_watch();
	loop_remove(loop, &watch.inotify);
	append("a.so", "x");
	rescan();
	expect_change();
	rescan();
	expect_nothing();
	append("a.so", "x");
	rescan();
	expect_change();
	ck_assert_int_eq(unlink(path_of("a.so")), 0);
	rescan();
	expect_change();
}
END_TEST

static void on_changed_release(void *arg)
{
	on_changed(arg);
	directory_watch_release(&watch);
}

START_TEST(may_be_released_when_it_tells)
{
	ck_assert_int_eq(directory_watch_init(&watch, loop, folder, on_changed_release,
	    folder), 0);
	append("a.so", "x");
	expect_change();
	append("b.so", "x");
	expect_nothing();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("directory");
	TCase *tcase = tcase_create("directory");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, tells_of_a_file_that_comes_changes_and_goes);
	tcase_add_test(tcase, tells_of_links_and_of_renames_from_other_names);
	tcase_add_test(tcase, many_changes_are_told_once);
	tcase_add_test(tcase, other_names_do_not_count);
	tcase_add_test(tcase, what_was_there_before_is_not_told);
	tcase_add_test(tcase, each_event_begins_the_quiet_time_anew);
	tcase_add_test(tcase, waits_for_a_writer_that_keeps_the_file_open);
	tcase_add_test(tcase, noise_without_end_does_not_keep_others_waiting);
	tcase_add_test(tcase, events_that_the_kernel_has_dropped_are_made_up_for);
	tcase_add_test(tcase, a_directory_that_is_replaced_is_watched_on);
	tcase_add_test(tcase, a_directory_that_comes_later_is_seen);
	tcase_add_test(tcase, a_rescan_sees_what_no_event_told);
	tcase_add_test(tcase, may_be_released_when_it_tells);
	tcase_set_timeout(tcase, 120);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
