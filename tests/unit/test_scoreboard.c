/* SPDX-License-Identifier: MIT */
/* The scoreboard: names, counters across a fork, blame. */
#include "ipc/scoreboard.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tincan/handler.h"
#include "unit.h"

static struct scoreboard *board;
static struct scoreboard_blames *blames;
static int reader_fd;

static void set_up(void)
{
	board = scoreboard_new(2, &reader_fd);
	blames = blames_new(2);
}

static void tear_down(void)
{
	close(reader_fd);
	scoreboard_free(board);
	scoreboard_free(NULL);
	blames_free(blames, 2);
	blames_free(NULL, 2);
}

START_TEST(finds_handlers_by_name)
{
	uint32_t hello = scoreboard_handler_add(board, "hello");

	ck_assert_uint_ne(hello, SCOREBOARD_SERVER);
	ck_assert_uint_eq(scoreboard_handler_add(board, "hello"), hello);
	ck_assert_uint_eq(scoreboard_handler_find(board, "hello"), hello);
	ck_assert_uint_eq(scoreboard_handler_find(board, "nobody"), SCOREBOARD_SERVER);
	ck_assert_str_eq(board->names[SCOREBOARD_SERVER], "tincan");
}
END_TEST

START_TEST(counts_those_without_a_place_as_the_server)
{
	char name[16];

	for (int i = 1; i < SCOREBOARD_HANDLERS; i++) {
		snprintf(name, sizeof(name), "h%d", i);
		ck_assert_uint_eq(scoreboard_handler_add(board, name), (uint32_t)i);
	}
	ck_assert_uint_eq(scoreboard_handler_add(board, "one-more"), SCOREBOARD_SERVER);
	ck_assert_uint_eq(scoreboard_handler_find(board, "h255"), 255);
}
END_TEST

START_TEST(shows_what_another_process_has_counted)
{
	struct scoreboard_worker *worker = &board->worker[1];
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		counter_add(&worker->accepted, 3);
		blame_set(&blames[1].running, "crasher", "on_request", "0123456789abcdef",
		    "GET", "/crash");
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_uint_eq(counter_get(&worker->accepted), 3);
	ck_assert_uint_eq(counter_get(&board->worker[0].accepted), 0);
	ck_assert_str_eq(blames_settle(&blames[1])->handler, "crasher");
	ck_assert_str_eq(blames_settle(&blames[1])->target, "GET /crash");
}
END_TEST

START_TEST(gives_readers_no_way_to_write)
{
	const struct scoreboard *seen = scoreboard_map(reader_fd);

	ck_assert_ptr_nonnull(seen);
	counter_add(&board->worker[1].accepted, 7);
	ck_assert_uint_eq(counter_get(&seen->worker[1].accepted), 7);
	ck_assert_int_lt(ftruncate(reader_fd, 0), 0);
	ck_assert_int_lt(write(reader_fd, "x", 1), 0);
	scoreboard_free((struct scoreboard *)seen);
}
END_TEST

START_TEST(blames_a_thread_that_crashed_before_the_loop)
{
	blame_set(&blames[0].running, "innocent", "on_request", NULL, NULL, NULL);
	ck_assert_str_eq(blames_settle(&blames[0])->handler, "innocent");
	blame_set(&blames[0].crashed, "guilty", "a job", NULL, NULL, NULL);
	ck_assert_str_eq(blames_settle(&blames[0])->handler, "guilty");
}
END_TEST

START_TEST(cuts_what_is_too_long_to_blame)
{
	struct scoreboard_blame *blame = &blames[0].running;
	char text[1000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	blame_set(blame, text, text, text, text, text);
	ck_assert_uint_eq(strlen(blame->handler), SCOREBOARD_NAME_BYTES - 1);
	ck_assert_uint_eq(strlen(blame->target), SCOREBOARD_TARGET_BYTES - 1);
	ck_assert_ptr_nonnull(strchr(blame->target, ' '));
	blame_set(blame, "quiet", "on_open", NULL, NULL, NULL);
	ck_assert_str_eq(blame->request, "");
	ck_assert_str_eq(blame->handler, "quiet");
	blame_clear(blame);
	ck_assert_str_eq(blame->handler, "");
}
END_TEST

START_TEST(tells_one_callback_that_lasts_from_many)
{
	struct scoreboard_blame *blame = &blames[0].running;
	uint32_t turn = 0;

	ck_assert(!blame_stands(blame, &turn));
	blame_set(blame, "busy", "a timer", NULL, NULL, NULL);
	ck_assert(!blame_stands(blame, &turn));
	ck_assert(blame_stands(blame, &turn));
	ck_assert(blame_stands(blame, &turn));
	blame_clear(blame);
	blame_set(blame, "busy", "a timer", NULL, NULL, NULL);
	ck_assert(!blame_stands(blame, &turn));
	ck_assert(blame_stands(blame, &turn));
	blame_clear(blame);
	ck_assert(!blame_stands(blame, &turn));
	ck_assert(!blame_stands(blame, &turn));
}
END_TEST

static struct scoreboard_figure *figure_of(uint32_t handler, uint32_t kind,
    const char *name)
{
	struct figure_known known = { .kind = kind };
	struct scoreboard_figure *figure;

	snprintf(known.name, sizeof(known.name), "%s", name);
	ck_assert_int_eq(scoreboard_figure_add(board, handler, &known, &figure), 0);
	return figure;
}

START_TEST(figures_of_one_name_are_of_one_kind)
{
	struct figure_known gauge = { .kind = TC_GAUGE, .name = "a" };
	struct scoreboard_figure *first = figure_of(1, TC_COUNTER, "a");
	struct scoreboard_figure *none;

	(void)figure_of(1, TC_GAUGE, "b");
	(void)figure_of(2, TC_COUNTER, "a");
	ck_assert_int_eq(scoreboard_figure_add(board, 3, &gauge, &none), ERR_INVALID);
	ck_assert(first->first);
	ck_assert_uint_eq(first->next, 2);
	ck_assert(!board->figure[2].first);
	ck_assert_uint_eq(board->figure[2].next, 0);
}
END_TEST

START_TEST(there_is_an_end_to_figures)
{
	struct figure_known more = { .kind = TC_GAUGE, .name = "more" };
	struct scoreboard_figure *none;

	board->figures = SCOREBOARD_FIGURES;
	ck_assert_int_eq(scoreboard_figure_add(board, 1, &more, &none), ERR_LIMIT);
}
END_TEST

START_TEST(what_only_grows_never_shrinks)
{
	struct scoreboard_figure *total = figure_of(1, TC_COUNTER, "a");
	struct scoreboard_figure *gauge = figure_of(1, TC_GAUGE, "b");
	static const double more[FIGURE_CELLS] = { 5 };
	static const double less[FIGURE_CELLS] = { 4 };

	scoreboard_figure_show(total, more);
	scoreboard_figure_show(total, less);
	scoreboard_figure_show(gauge, more);
	scoreboard_figure_show(gauge, less);
	ck_assert_double_eq(total->cells[0], 5);
	ck_assert_double_eq(gauge->cells[0], 4);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("scoreboard");
	TCase *tests = tcase_create("scoreboard");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, finds_handlers_by_name);
	tcase_add_test(tests, counts_those_without_a_place_as_the_server);
	tcase_add_test(tests, shows_what_another_process_has_counted);
	tcase_add_test(tests, gives_readers_no_way_to_write);
	tcase_add_test(tests, blames_a_thread_that_crashed_before_the_loop);
	tcase_add_test(tests, cuts_what_is_too_long_to_blame);
	tcase_add_test(tests, tells_one_callback_that_lasts_from_many);
	tcase_add_test(tests, figures_of_one_name_are_of_one_kind);
	tcase_add_test(tests, there_is_an_end_to_figures);
	tcase_add_test(tests, what_only_grows_never_shrinks);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
