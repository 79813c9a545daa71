/* SPDX-License-Identifier: MIT */
/* Where log lines go: readers that are slow, disks that are full. */
#include "base/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "folder.h"
#include "unit.h"

static char folder[FOLDER_BYTES];
static char path[64];
static struct sink sink;

static void set_up(void)
{
	folder_make(folder);
	snprintf(path, sizeof(path), "%s/log", folder);
}

static void tear_down(void)
{
	sink_close(&sink);
	folder_remove(folder);
}

static void put(const char *line)
{
	sink_line(&sink, line, strlen(line));
}

START_TEST(appends_lines_to_a_file)
{
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(sink_open(&sink, path, STDOUT_FILENO), 0);
		put("one\n");
		ck_assert_str_eq(folder_text(path), i == 0 ? "" : "one\n");
		sink_flush(&sink);
		sink_close(&sink);
	}
	ck_assert_str_eq(folder_text(path), "one\none\n");
	ck_assert_uint_eq(sink.lost, 0);
}
END_TEST

START_TEST(writes_a_large_batch_by_itself)
{
	ck_assert_int_eq(sink_open(&sink, path, STDOUT_FILENO), 0);
	for (int i = 0; i < 40000; i++) {
		put("x\n");
	}
	ck_assert_uint_lt(sink.lines.size, 40000);
}
END_TEST

START_TEST(says_what_cannot_be_opened)
{
	ck_assert_int_eq(sink_open(&sink, "/nowhere/log", STDOUT_FILENO), ERR_SYSTEM);
	put("to nobody\n");
	sink_flush(&sink);
	ck_assert_uint_eq(sink.lost, 0);
}
END_TEST

START_TEST(checks_a_path_without_making_anything)
{
	ck_assert_int_eq(sink_check("-"), 0);
	ck_assert_int_eq(sink_check("off"), 0);
	unlink(path);
	ck_assert_int_eq(sink_check(path), 0);
	ck_assert_int_ne(access(path, F_OK), 0);
	ck_assert_int_eq(sink_check("/nowhere/log"), ERR_SYSTEM);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_int_eq(sink_check("/tmp"), ERR_SYSTEM);
	ck_assert_int_eq(errno, EISDIR);
	ck_assert_int_eq(sink_open(&sink, path, STDOUT_FILENO), 0);
	ck_assert_int_eq(sink_check(path), 0);
}
END_TEST

START_TEST(takes_nothing_when_off)
{
	ck_assert_int_eq(sink_open(&sink, "off", STDOUT_FILENO), 0);
	put("to nobody\n");
	ck_assert_uint_eq(sink.lines.size, 0);
	ck_assert_int_eq(sink_reopen(&sink), 0);
}
END_TEST

START_TEST(goes_on_in_a_new_file_after_a_rotation)
{
	char old[80];

	snprintf(old, sizeof(old), "%s.1", path);
	ck_assert_int_eq(sink_open(&sink, path, STDOUT_FILENO), 0);
	put("before\n");
	ck_assert_int_eq(rename(path, old), 0);
	ck_assert_int_eq(sink_reopen(&sink), 0);
	put("after\n");
	sink_flush(&sink);
	ck_assert_str_eq(folder_text(old), "before\n");
	ck_assert_str_eq(folder_text(path), "after\n");
	unlink(old);
}
END_TEST

START_TEST(keeps_the_old_file_if_the_new_one_fails)
{
	char old[] = "/tmp/tincan-sink-old-XXXXXX";
	int fd = mkstemp(old);

	close(fd);
	ck_assert_int_eq(sink_open(&sink, path, STDOUT_FILENO), 0);
	unlink(path);
	ck_assert_int_eq(rename(folder, old), -1);
	unlink(old);
	ck_assert_int_eq(rename(folder, old), 0);
	ck_assert_int_eq(sink_reopen(&sink), ERR_SYSTEM);
	put("still taken\n");
	sink_flush(&sink);
	ck_assert_uint_eq(sink.lost, 0);
	ck_assert_int_eq(rename(old, folder), 0);
}
END_TEST

START_TEST(counts_what_a_full_disk_costs)
{
	ck_assert_int_eq(sink_open(&sink, "/dev/full", STDOUT_FILENO), 0);
	put("one\n");
	put("two\n");
	sink_flush(&sink);
	ck_assert_uint_eq(sink.lost, 2);
	ck_assert_int_ne(sink.last_errno, 0);
	put("three\n");
	sink_flush(&sink);
	ck_assert_uint_eq(sink.lost, 3);
}
END_TEST

/* Half a line was left in the file, and the next line stood right behind it. */
START_TEST(ends_the_line_that_a_full_disk_has_torn)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = 10;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_eq(sink_open(&sink, path, STDOUT_FILENO), 0);
	put("first\n");
	put("second\n");
	put("third\n");
	sink_flush(&sink);
	ck_assert_uint_eq(sink.lost, 2);
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	put("fourth\n");
	sink_flush(&sink);
	ck_assert_str_eq(folder_text(path), "first\nseco\nfourth\n");
	ck_assert_uint_eq(sink.lost, 2);
}
END_TEST

/* A pipe to read lines from, as small as the kernel makes it. */
static void open_pipe(int fds[2])
{
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_eq(fcntl(fds[0], F_SETPIPE_SZ, 4096), 4096);
}

START_TEST(loses_whole_lines_only_at_a_pipe_nobody_reads)
{
	static char text[SINK_MAX_BYTES * 2];
	char line[128];
	size_t got = 0;
	int fds[2];
	unsigned next = 0;

	open_pipe(fds);
	ck_assert_int_eq(sink_open(&sink, "-", fds[1]), 0);
	for (int i = 0; i < 10000; i++) {
		snprintf(line, sizeof(line), "%099d\n", i);
		put(line);
	}
	ck_assert_uint_gt(sink.lost, 0);
	while (got / 100 + sink.lost < 10000) {
		ssize_t size;

		sink_flush(&sink);
		size = read(fds[0], text + got, sizeof(text) - got);
		ck_assert_int_gt(size, 0);
		got += (size_t)size;
	}
	ck_assert_int_eq(sink.last_errno, 0);
	ck_assert_uint_eq(got % 100, 0);
	for (; next < got / 100; next++) {
		ck_assert_uint_eq(strtoul(text + next * 100, NULL, 10), next);
	}
	close(fds[0]);
	close(fds[1]);
}
END_TEST

/* Two workers on one pipe: both see that it takes 4096 bytes, and one of them takes them.
 * The other, on a descriptor that blocks, waited for the reader. */
START_TEST(does_not_wait_when_another_fills_the_pipe)
{
	char line[PIPE_BUF];
	int fds[2];

	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	open_pipe(fds);
	ck_assert_int_eq(sink_open(&sink, "-", fds[1]), 0);
	ck_assert_int_ne(fcntl(sink.fd, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_eq(fcntl(fds[1], F_GETFL) & O_NONBLOCK, 0);
	for (int i = 0; i < 3; i++) {
		sink_line(&sink, line, sizeof(line));
		sink_flush(&sink);
	}
	ck_assert_uint_eq(sink.lines.size, 2 * sizeof(line));
	close(fds[0]);
	close(fds[1]);
	signal(SIGPIPE, SIG_IGN);
	sink_flush(&sink);
	ck_assert_uint_eq(sink.lost, 2);
}
END_TEST

/* A terminal takes part of a line, so "may be written to" says little. */
START_TEST(does_not_wait_for_a_terminal_that_has_stopped)
{
	char line[1000];
	int terminal;
	int user;

	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	ck_assert_int_eq(openpty(&user, &terminal, NULL, NULL, NULL), 0);
	ck_assert_int_eq(sink_open(&sink, "-", terminal), 0);
	ck_assert(sink.terminal);
	for (int i = 0; i < 400; i++) {
		sink_line(&sink, line, sizeof(line));
		sink_flush(&sink);
	}
	ck_assert_uint_gt(sink.lost, 0);
	close(user);
	close(terminal);
}
END_TEST

START_TEST(closes_only_what_it_has_opened)
{
	int fds[2];

	open_pipe(fds);
	ck_assert_int_eq(sink_open(&sink, "-", fds[1]), 0);
	sink_close(&sink);
	sink_close(&sink);
	ck_assert_int_eq(write(fds[1], "x", 1), 1);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

START_TEST(goes_on_at_a_descriptor_that_it_is_given)
{
	int fds[2];
	char text[8];

	open_pipe(fds);
	ck_assert_int_eq(sink_open(&sink, path, STDOUT_FILENO), 0);
	put("one\n");
	sink_take(&sink, fds[1]);
	put("two\n");
	sink_flush(&sink);
	ck_assert_str_eq(folder_text(path), "one\n");
	ck_assert_int_eq(read(fds[0], text, sizeof(text)), 4);
	ck_assert_int_eq(memcmp(text, "two\n", 4), 0);
	/* It has no file of its own any more. */
	ck_assert_int_eq(sink_reopen(&sink), 0);
	ck_assert_int_eq(sink.fd, fds[1]);
	sink_take(&sink, -1);
	ck_assert_int_eq(read(fds[0], text, sizeof(text)), 0);
	put("three\n");
	sink_flush(&sink);
	close(fds[0]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sink");
	TCase *tests = tcase_create("sink");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, appends_lines_to_a_file);
	tcase_add_test(tests, writes_a_large_batch_by_itself);
	tcase_add_test(tests, says_what_cannot_be_opened);
	tcase_add_test(tests, checks_a_path_without_making_anything);
	tcase_add_test(tests, takes_nothing_when_off);
	tcase_add_test(tests, goes_on_in_a_new_file_after_a_rotation);
	tcase_add_test(tests, keeps_the_old_file_if_the_new_one_fails);
	tcase_add_test(tests, counts_what_a_full_disk_costs);
	tcase_add_test(tests, ends_the_line_that_a_full_disk_has_torn);
	tcase_add_test(tests, loses_whole_lines_only_at_a_pipe_nobody_reads);
	tcase_add_test(tests, does_not_wait_when_another_fills_the_pipe);
	tcase_add_test(tests, does_not_wait_for_a_terminal_that_has_stopped);
	tcase_add_test(tests, closes_only_what_it_has_opened);
	tcase_add_test(tests, goes_on_at_a_descriptor_that_it_is_given);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
