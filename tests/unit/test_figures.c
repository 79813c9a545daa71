/* SPDX-License-Identifier: MIT */
/* Figures: what processes count, what the master sees of it, and what is left of the
 * dead. */
#include "ipc/figures.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tincan/handler.h"
#include "unit.h"

static int fd;
static struct shared shared;
static struct figures_view view;
static double cells[FIGURE_CELLS];

static void setup(void)
{
	ck_assert_int_eq(shared_create(&fd), 0);
	shared_init(&shared, dup(fd));
	ck_assert_int_eq(figures_view_init(&view, fd), 0);
}

static void teardown(void)
{
	figures_view_release(&view);
	shared_release(&shared);
	close(fd);
}

static struct figure *get(struct shared *from, int kind, const char *name)
{
	struct figure *figure;

	ck_assert_int_eq(figure_get(from, kind, name, "help", &figure), 0);
	return figure;
}

static int result(int kind, const char *name)
{
	struct figure *figure;

	return figure_get(&shared, kind, name, "", &figure);
}

static double seen(uint32_t index)
{
	figures_view_read(&view);
	ck_assert_uint_lt(index, view.count);
	figures_view_sum(&view, index, cells);
	return cells[0];
}

START_TEST(a_name_is_one_figure)
{
	struct figure *figure = get(&shared, TC_COUNTER, "a_total");

	ck_assert_ptr_eq(get(&shared, TC_COUNTER, "a_total"), figure);
	ck_assert_ptr_ne(get(&shared, TC_GAUGE, "b"), figure);
	ck_assert_int_eq(result(TC_GAUGE, "a_total"), ERR_MISSING);
}
END_TEST

START_TEST(names_and_kinds_are_checked)
{
	static const char *const bad[] = { "", "A", "a-b", "a.b", "x_bucket", "x_sum",
		"x_count", "crashes_total",
		"123456789012345678901234567890123456789012345678" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_int_eq(result(TC_COUNTER, bad[i]), ERR_INVALID);
	}
	ck_assert_int_eq(result(0, "a"), ERR_INVALID);
	ck_assert_int_eq(result(4, "a"), ERR_INVALID);
	ck_assert_int_eq(result(-1, "a"), ERR_INVALID);
	ck_assert_int_eq(
	    result(TC_COUNTER, "12345678901234567890123456789012345678901234567"), 0);
}
END_TEST

START_TEST(there_are_64)
{
	char name[] = "n00";

	for (int i = 0; i < FIGURES_MAX; i++) {
		name[1] = (char)('0' + i / 10);
		name[2] = (char)('0' + i % 10);
		ck_assert_int_eq(result(TC_COUNTER, name), 0);
	}
	ck_assert_int_eq(result(TC_COUNTER, "one_more"), ERR_LIMIT);
	ck_assert_int_eq(result(TC_COUNTER, "n00"), 0);
	figures_view_read(&view);
	ck_assert_uint_eq(view.count, FIGURES_MAX);
}
END_TEST

START_TEST(areas_between_them_do_not_count)
{
	void *memory;

	(void)get(&shared, TC_COUNTER, "a");
	ck_assert_int_eq(shared_area(&shared, "a", 100, &memory), 0);
	figure_add(get(&shared, TC_COUNTER, "b"), 4);
	ck_assert_double_eq(seen(1), 4);
	ck_assert_str_eq(view.known[1].name, "b");
	ck_assert_str_eq(view.known[1].help, "help");
}
END_TEST

START_TEST(what_cannot_be_added_is_ignored)
{
	struct figure *counter = get(&shared, TC_COUNTER, "a");
	struct figure *gauge = get(&shared, TC_GAUGE, "b");

	figure_add(counter, 2);
	figure_add(counter, -1);
	figure_add(counter, NAN);
	figure_add(counter, INFINITY);
	figure_set(counter, 9);
	ck_assert_double_eq(seen(0), 2);
	figure_set(gauge, 2.5);
	figure_add(gauge, -4);
	figure_set(gauge, NAN);
	figure_add(gauge, -INFINITY);
	ck_assert_double_eq(seen(1), -1.5);
}
END_TEST

START_TEST(a_histogram_counts_by_its_bounds)
{
	struct figure *figure = get(&shared, TC_HISTOGRAM, "a");

	figure_add(figure, 0);
	figure_add(figure, 0.001);
	figure_add(figure, 0.0010001);
	figure_add(figure, 10000);
	figure_add(figure, 10000.5);
	figure_add(figure, -1);
	ck_assert_double_eq(seen(0), 2);
	ck_assert_double_eq(cells[1], 1);
	ck_assert_double_eq(cells[FIGURE_BUCKETS - 2], 1);
	ck_assert_double_eq(cells[FIGURE_BUCKETS - 1], 1);
	ck_assert_double_eq_tol(cells[FIGURE_BUCKETS], 20000.5020001, 1e-9);
	ck_assert_str_eq(figure_bounds[FIGURE_BUCKETS - 2], "10000");
	ck_assert_str_eq(figure_bounds[FIGURE_BUCKETS - 1], "+Inf");
}
END_TEST

static void *count(void *arg)
{
	for (int i = 0; i < 10000; i++) {
		figure_add(arg, 1);
	}
	return NULL;
}

START_TEST(threads_lose_no_count)
{
	struct figure *figure = get(&shared, TC_COUNTER, "a");
	pthread_t threads[4];

	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(pthread_create(&threads[i], NULL, count, figure), 0);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
	}
	ck_assert_double_eq(seen(0), 40000);
}
END_TEST

/* Another process of the handler: counts, moves a gauge, and waits for its end. */
static pid_t start_process(void)
{
	int ready[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		struct shared own;

		shared_init(&own, dup(fd));
		figure_add(get(&own, TC_COUNTER, "a"), 3);
		figure_set(get(&own, TC_GAUGE, "b"), 7);
		(void)!write(ready[1], "", 1);
		pause();
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void end_process(pid_t pid)
{
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

START_TEST(what_the_dead_have_counted_is_kept)
{
	pid_t first = start_process();
	pid_t second = start_process();

	ck_assert_double_eq(seen(0), 6);
	ck_assert_double_eq(seen(1), 14);
	end_process(first);
	ck_assert_double_eq(seen(0), 6);
	ck_assert_double_eq(seen(1), 7);
	end_process(second);
	ck_assert_double_eq(seen(0), 6);
	ck_assert_double_eq(seen(1), 0);
}
END_TEST

START_TEST(who_dies_before_it_is_known_counts_too)
{
	end_process(start_process());
	ck_assert_double_eq(seen(0), 3);
}
END_TEST

START_TEST(another_master_takes_nothing_over_twice)
{
	struct figures_view other;

	ck_assert_int_eq(figures_view_init(&other, fd), 0);
	end_process(start_process());
	ck_assert_double_eq(seen(0), 3);
	figures_view_read(&other);
	figures_view_sum(&other, 0, cells);
	ck_assert_double_eq(cells[0], 3);
	ck_assert_double_eq(seen(0), 3);
	figures_view_release(&other);
}
END_TEST

START_TEST(blocks_of_the_dead_are_used_again)
{
	ck_assert_int_eq(shared_open(&shared), 0);
	for (int i = 1; i < SHARED_BLOCKS; i++) {
		shared.front->owners[i] = (int32_t)getpid();
	}
	ck_assert_int_eq(result(TC_COUNTER, "a"), ERR_LIMIT);
	shared.front->owners[5] = 0;
	ck_assert_int_eq(result(TC_COUNTER, "a"), 0);
	ck_assert_int_eq(shared.front->owners[5], (int32_t)getpid());
}
END_TEST

/* What a handler gone wrong writes over it. */

START_TEST(cells_that_make_no_sense_count_for_nothing)
{
	struct figure *counter = get(&shared, TC_COUNTER, "a");
	struct figure *gauge = get(&shared, TC_GAUGE, "b");
	static const double bad[] = { NAN, INFINITY, -INFINITY, -1 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		counter->cells[0] = bad[i];
		gauge->cells[0] = bad[i];
		ck_assert_double_eq(seen(0), 0);
		ck_assert_double_eq(seen(1), isfinite(bad[i]) ? bad[i] : 0);
	}
}
END_TEST

START_TEST(names_that_make_no_sense_are_known_as_such)
{
	(void)get(&shared, TC_COUNTER, "a");
	memset(shared.front->roll.entries[0].name, 'x', ROLL_NAME_BYTES);
	memset(shared.front->roll.entries[0].note, 0xff, ROLL_NOTE_BYTES);
	(void)get(&shared, TC_COUNTER, "b");
	shared.front->roll.entries[1].name[0] = '"';
	(void)get(&shared, TC_COUNTER, "c");
	shared.front->roll.entries[2].kind = 77;
	figures_view_read(&view);
	ck_assert_uint_eq(view.count, 3);
	ck_assert_uint_eq(strlen(view.known[0].name), ROLL_NAME_BYTES - 1);
	ck_assert_str_eq(view.known[0].help, "");
	ck_assert_uint_eq(view.known[1].kind, 0);
	ck_assert_uint_eq(view.known[2].kind, 0);
}
END_TEST

START_TEST(owners_that_make_no_sense_are_let_be)
{
	figure_add(get(&shared, TC_COUNTER, "a"), 1);
	shared.front->owners[2] = -1;
	shared.front->owners[3] = INT32_MIN;
	shared.front->owners[4] = INT32_MAX;
	shared.front->owners[5] = 1;
	ck_assert_double_eq(seen(0), 1);
	ck_assert_int_eq(shared.front->owners[2], -1);
	ck_assert_int_eq(shared.front->owners[3], INT32_MIN);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("figures");
	TCase *tcase = tcase_create("figures");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_name_is_one_figure);
	tcase_add_test(tcase, names_and_kinds_are_checked);
	tcase_add_test(tcase, there_are_64);
	tcase_add_test(tcase, areas_between_them_do_not_count);
	tcase_add_test(tcase, what_cannot_be_added_is_ignored);
	tcase_add_test(tcase, a_histogram_counts_by_its_bounds);
	tcase_add_test(tcase, threads_lose_no_count);
	tcase_add_test(tcase, what_the_dead_have_counted_is_kept);
	tcase_add_test(tcase, who_dies_before_it_is_known_counts_too);
	tcase_add_test(tcase, another_master_takes_nothing_over_twice);
	tcase_add_test(tcase, blocks_of_the_dead_are_used_again);
	tcase_add_test(tcase, cells_that_make_no_sense_count_for_nothing);
	tcase_add_test(tcase, names_that_make_no_sense_are_known_as_such);
	tcase_add_test(tcase, owners_that_make_no_sense_are_let_be);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
