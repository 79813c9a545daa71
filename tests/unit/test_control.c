/* SPDX-License-Identifier: MIT */
/* The server's end of the control socket, asked by plain sockets. */
#include "control/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/answers.h"
#include "control/client.h"
#include "folder.h"
#include "unit.h"

#define DEADLINE_MS 20000
#define CLIENTS 70		/* more than are let in */

static char top[FOLDER_BYTES];
static char path[256];		/* of the socket; in a folder that is missing */
static struct loop *loop;
static struct control *control;
static struct problems problems;
static struct timer tick;

/* What the owner has been asked, and whom it has not answered yet. */
static char asked[4096];
static struct control_client *waiting[8];
static size_t waiting_count;

static void answer_number(struct control_client *client, int number)
{
	control_reply(client, json_pack("{s:b, s:i}", "ok", 1, "number", number));
}

static void on_command(void *arg, struct control_client *client, const char *command,
    const char *name)
{
	size_t size = strlen(asked);

	ck_assert_ptr_eq(arg, top);
	snprintf(asked + size, sizeof(asked) - size, "%s(%s) ", command, name);
	if (strcmp(command, "reload") == 0) {
		waiting[waiting_count++] = client;
	} else if (strcmp(command, "plugins") == 0) {
		control_reply(client, json_pack("{s:b, s:s#}", "ok", 1, "x", "\xff", 1));
	} else {
		answer_number(client, 1);
	}
}

static void on_tick(struct timer *timer)
{
	(void)timer;
	loop_stop(loop);
}

/* A few rounds of the loop. */
static void run_loop(void)
{
	timer_set(&loop->timers, &tick, clock_us() / 1000 + 10);
	loop_run(loop);
}

static struct control *open_control(void)
{
	return control_open(loop, path, on_command, top, &problems);
}

static void set_up(void)
{
	folder_make(top);
	snprintf(path, sizeof(path), "%s/run/tincan.sock", top);
	loop = loop_new();
	timer_init(&tick, on_tick);
	problems_init(&problems);
	control = open_control();
	ck_assert_ptr_nonnull(control);
	ck_assert_uint_eq(problems.count, 0);
}

static void tear_down(void)
{
	control_close(control);
	loop_run_deferred(loop);
	loop_free(loop);
	problems_release(&problems);
	folder_remove(top);
}

static int new_client(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%.107s", path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL),
	    (ssize_t)strlen(text));
}

/* Runs the loop until a line, or the end ("" then), has come from fd. */
static const char *next_line(int fd)
{
	static char line[1024];
	int64_t deadline_us = clock_us() + DEADLINE_MS * 1000;
	size_t size = 0;

	while (size + 1 < sizeof(line) && (size == 0 || line[size - 1] != '\n')) {
		ssize_t got = recv(fd, line + size, 1, MSG_DONTWAIT);

		ck_assert_msg(clock_us() < deadline_us, "no answer");
		if (got < 0) {
			ck_assert_int_eq(errno, EAGAIN);
			run_loop();
		} else if (got == 0) {
			break;
		}
		size += got > 0;
	}
	line[size] = '\0';
	return line;
}

static void expect_line(int fd, const char *expected)
{
	ck_assert_str_eq(next_line(fd), expected);
}

static void expect_error(int fd, const char *text)
{
	const char *line = next_line(fd);

	ck_assert_msg(strncmp(line, "{\"ok\":false,\"error\":\"", 21) == 0 &&
	    strstr(line, text) != NULL, "said: %s", line);
}

START_TEST(commands_are_handed_on_and_answered)
{
	int fd = new_client();

	say(fd, "{\"command\":\"status\"}\n");
	expect_line(fd, "{\"ok\":true,\"number\":1}\n");
	say(fd, "{ \"name\": \"hello\", \"command\": \"reset\" }\r\n");
	expect_line(fd, "{\"ok\":true,\"number\":1}\n");
	say(fd, "{\"command\":\"stop\"}\n{\"command\":\"upgrade\"}\n");
	expect_line(fd, "{\"ok\":true,\"number\":1}\n");
	expect_line(fd, "{\"ok\":true,\"number\":1}\n");
	ck_assert_str_eq(asked, "status() reset(hello) stop() upgrade() ");
	close(fd);
}
END_TEST

START_TEST(what_is_no_command_is_refused_and_the_next_is_answered)
{
	int fd = new_client();

	say(fd, "{\"command\":\"relaod\"}\n");
	expect_line(fd, "{\"ok\":false,\"error\":\"unknown command 'relaod'\","
	    "\"hint\":\"did you mean 'reload'\"}\n");
	say(fd, "{\"command\":\"fly\"}\n");
	expect_line(fd, "{\"ok\":false,\"error\":\"unknown command 'fly'\"}\n");
	say(fd, "reload\n");
	expect_error(fd, "not JSON");
	say(fd, "\n");
	expect_error(fd, "not JSON");
	say(fd, "{\"command\":\"reload\"\n");
	expect_error(fd, "not JSON");
	say(fd, "{\"command\":\"\xff\"}\n");
	expect_error(fd, "not JSON");
	say(fd, "[\"reload\"]\n");
	expect_error(fd, "no command");
	say(fd, "{\"name\":\"hello\"}\n");
	expect_error(fd, "no command");
	say(fd, "{\"command\":5}\n");
	expect_error(fd, "no command");
	say(fd, "{\"command\":\"stop\",\"nmae\":\"x\"}\n");
	expect_error(fd, "nmae");
	say(fd, "{\"command\":\"reset\"}\n");
	expect_error(fd, "needs a name");
	ck_assert_str_eq(asked, "");
	say(fd, "{\"command\":\"status\"}\n");
	expect_line(fd, "{\"ok\":true,\"number\":1}\n");
	close(fd);
}
END_TEST

START_TEST(a_line_may_come_in_any_pieces)
{
	static const char text[] = "{\"command\":\"status\"}\n";
	int fd = new_client();

	for (const char *at = text; *at != '\0'; at++) {
		ck_assert_int_eq(send(fd, at, 1, 0), 1);
		run_loop();
	}
	expect_line(fd, "{\"ok\":true,\"number\":1}\n");
	close(fd);
}
END_TEST

START_TEST(an_answer_may_come_later)
{
	int first = new_client();
	int second = new_client();

	say(first, "{\"command\":\"reload\"}\n{\"command\":\"status\"}\n");
	say(second, "{\"command\":\"reload\"}\n");
	run_loop();
	ck_assert_uint_eq(waiting_count, 2);
	ck_assert_str_eq(asked, "reload() reload() ");
	answer_number(waiting[1], 7);
	expect_line(second, "{\"ok\":true,\"number\":7}\n");
	ck_assert_str_eq(asked, "reload() reload() ");
	answer_number(waiting[0], 8);
	expect_line(first, "{\"ok\":true,\"number\":8}\n");
	expect_line(first, "{\"ok\":true,\"number\":1}\n");
	close(first);
	close(second);
}
END_TEST

START_TEST(a_client_may_leave_before_its_answer)
{
	int fd = new_client();

	say(fd, "{\"command\":\"reload\"}\n");
	run_loop();
	ck_assert_uint_eq(waiting_count, 1);
	close(fd);
	run_loop();
	ck_assert_uint_eq(control->count, 1);
	answer_number(waiting[0], 7);
	run_loop();
	ck_assert_uint_eq(control->count, 0);
}
END_TEST

START_TEST(a_client_may_say_its_word_and_leave)
{
	int fd = new_client();

	say(fd, "{\"command\":\"status\"}\n{\"command\":\"reload\"}\n");
	close(fd);
	run_loop();
	ck_assert_str_eq(asked, "status() reload() ");
	answer_number(waiting[0], 7);
	run_loop();
	ck_assert_uint_eq(control->count, 0);
}
END_TEST

START_TEST(a_client_may_end_its_side_first)
{
	int fd = new_client();

	say(fd, "{\"command\":\"reload\"}\n{\"command\":\"status\"}\n{\"comm");
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	run_loop();
	answer_number(waiting[0], 7);
	expect_line(fd, "{\"ok\":true,\"number\":7}\n");
	expect_line(fd, "{\"ok\":true,\"number\":1}\n");
	expect_line(fd, "");
	ck_assert_uint_eq(control->count, 0);
	close(fd);
}
END_TEST

/* The answers do not pile up here when nobody reads them. */
START_TEST(who_does_not_read_is_asked_no_more)
{
	static const char line[] = "{\"command\":\"fly\"}\n";
	int fd = new_client();
	int answers = 0;
	int lines = 0;

	ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	for (int quiet = 0; quiet < 3; quiet++) {
		while (send(fd, line, sizeof(line) - 1, 0) == (ssize_t)sizeof(line) - 1) {
			lines++;
			quiet = 0;
		}
		run_loop();
	}
	ck_assert_int_gt(lines, 100);
	ck_assert_uint_eq(control->count, 1);
	/* The last one may have gone in part. */
	while (answers < lines && next_line(fd)[0] != '\0') {
		answers++;
	}
	ck_assert_int_eq(answers, lines);
	close(fd);
}
END_TEST

START_TEST(a_line_without_end_is_refused)
{
	static char line[CLIENT_LINE_BYTES + 1];
	int fd = new_client();

	memset(line, ' ', sizeof(line) - 1);
	say(fd, line);
	expect_error(fd, "65536");
	expect_line(fd, "");
	ck_assert_uint_eq(control->count, 0);
	close(fd);
}
END_TEST

START_TEST(a_silent_client_is_dropped_but_not_one_that_waits)
{
	int fd = new_client();
	int waits = new_client();

	say(waits, "{\"command\":\"reload\"}\n");
	run_loop();
	ck_assert_uint_eq(control->count, 2);
	/* A minute later. */
	timers_run(&loop->timers, loop->now_ms + CLIENT_QUIET_MS + TIMER_TICK_MS);
	loop_run_deferred(loop);
	ck_assert_uint_eq(control->count, 1);
	expect_line(fd, "");
	answer_number(waiting[0], 7);
	expect_line(waits, "{\"ok\":true,\"number\":7}\n");
	close(fd);
	close(waits);
}
END_TEST

START_TEST(only_so_many_are_let_in)
{
	int fds[CLIENTS];

	for (int i = 0; i < CLIENTS; i++) {
		fds[i] = new_client();
		run_loop();
	}
	ck_assert_uint_eq(control->count, 64);
	expect_error(fds[64], "too many clients");
	expect_line(fds[64], "");
	say(fds[63], "{\"command\":\"status\"}\n");
	expect_line(fds[63], "{\"ok\":true,\"number\":1}\n");
	for (int i = 0; i < CLIENTS; i++) {
		close(fds[i]);
	}
	run_loop();
	ck_assert_uint_eq(control->count, 0);
}
END_TEST

/* It waits in the queue until a descriptor is free, and nothing spins meanwhile. */
START_TEST(who_finds_no_descriptor_free_is_let_in_later)
{
	struct rlimit before;
	struct rlimit none;
	int fd = new_client();

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){ .rlim_cur = (rlim_t)fd + 1, .rlim_max = before.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	while (!timer_is_set(&control->retry)) {
		run_loop();
	}
	ck_assert_uint_eq(control->count, 0);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	say(fd, "{\"command\":\"status\"}\n");
	expect_line(fd, "{\"ok\":true,\"number\":1}\n");
	close(fd);
}
END_TEST

START_TEST(an_answer_that_is_no_text_is_said_to_be_none)
{
	int fd = new_client();

	say(fd, "{\"command\":\"plugins\"}\n");
	expect_error(fd, "cannot be written");
	close(fd);
}
END_TEST

START_TEST(only_its_user_can_connect)
{
	struct stat status;

	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert(S_ISSOCK(status.st_mode));
	ck_assert_int_eq(status.st_mode & 07777, 0600);
	path[strlen(path) - strlen("/tincan.sock")] = '\0';
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_int_eq(status.st_mode & 07777, 0700);
}
END_TEST

START_TEST(a_living_server_keeps_its_place)
{
	char expected[128];
	int fd;

	snprintf(expected, sizeof(expected),
	    "another tincan (pid %d) has this control socket", (int)getpid());
	ck_assert_ptr_null(open_control());
	ck_assert_uint_eq(problems.errors, 1);
	ck_assert_str_eq(problems.items[0].where, path);
	ck_assert_str_eq(problems.items[0].what, expected);
	fd = new_client();
	say(fd, "{\"command\":\"status\"}\n");
	expect_line(fd, "{\"ok\":true,\"number\":1}\n");
	close(fd);
}
END_TEST

START_TEST(what_a_dead_server_left_is_replaced)
{
	struct control *other;
	int fd;

	/* As after SIGKILL: the file stays, and nobody listens. */
	close(control->listener.fd);
	control->listener.fd = -1;
	other = open_control();
	ck_assert_ptr_nonnull(other);
	control_close(control);
	control = other;
	fd = new_client();
	say(fd, "{\"command\":\"status\"}\n");
	expect_line(fd, "{\"ok\":true,\"number\":1}\n");
	close(fd);
}
END_TEST

START_TEST(a_file_that_is_no_socket_stays)
{
	struct stat status;

	control_close(control);
	control = NULL;
	run_loop();
	close(open(path, O_WRONLY | O_CREAT, 0600));
	ck_assert_ptr_null(open_control());
	ck_assert_str_eq(problems.items[0].what,
	    "there is a file at the place of the control socket");
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert(S_ISREG(status.st_mode));
}
END_TEST

START_TEST(the_socket_of_a_successor_stays)
{
	struct control *other;

	ck_assert_int_eq(unlink(path), 0);
	other = open_control();
	ck_assert_ptr_nonnull(other);
	control_close(control);
	control = other;
	ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

START_TEST(says_why_it_cannot_listen)
{
	snprintf(path, sizeof(path), "%s/none/run/tincan.sock", top);
	ck_assert_ptr_null(open_control());
	ck_assert_str_eq(problems.items[0].what,
	    "cannot make the control socket: No such file or directory");
	snprintf(path, sizeof(path), "%s/run/", top);
	ck_assert_ptr_null(open_control());
	ck_assert_str_eq(problems.items[1].what,
	    "cannot make the control socket: Is a directory");
	control_close(NULL);
}
END_TEST

START_TEST(who_waits_at_the_end_still_gets_an_answer)
{
	struct waiters waiters = { NULL, 0 };
	int fds[4];

	for (int i = 0; i < 4; i++) {
		fds[i] = new_client();
		if (i < 3) {
			say(fds[i], "{\"command\":\"reload\"}\n");
		}
		run_loop();
	}
	close(fds[2]);
	control_close(control);
	control = NULL;
	ck_assert_int_eq(access(path, F_OK), -1);
	expect_line(fds[3], "");
	answer_number(waiting[0], 7);
	expect_line(fds[0], "{\"ok\":true,\"number\":7}\n");
	expect_line(fds[0], "");
	waiters_add(&waiters, waiting[1]);
	waiters_add(&waiters, waiting[2]);
	waiters_add(&waiters, NULL);
	waiters_release(&waiters);
	expect_error(fds[1], "the server has stopped");
	expect_line(fds[1], "");
	close(fds[0]);
	close(fds[1]);
	close(fds[3]);
}
END_TEST

/* As an upgrade does it: within a round in which events of it may still come. */
static void on_close(struct watch *watch, uint32_t events)
{
	(void)events;
	loop_remove(loop, watch);
	control_close(control);
	control = NULL;
	answer_number(waiting[0], 7);
}

START_TEST(may_be_closed_by_an_event)
{
	struct watch closer = { eventfd(1, EFD_CLOEXEC), on_close };
	int waits = new_client();
	int asks = new_client();

	say(waits, "{\"command\":\"reload\"}\n");
	run_loop();
	/* Ready in one round, in whatever order: all of these. */
	say(asks, "{\"command\":\"status\"}\n");
	close(waits);
	ck_assert_int_eq(loop_add(loop, &closer, EPOLLIN), 0);
	close(new_client());
	run_loop();
	ck_assert_ptr_null(control);
	close(asks);
	close(closer.fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("control");
	TCase *tcase = tcase_create("control");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, commands_are_handed_on_and_answered);
	tcase_add_test(tcase, what_is_no_command_is_refused_and_the_next_is_answered);
	tcase_add_test(tcase, a_line_may_come_in_any_pieces);
	tcase_add_test(tcase, an_answer_may_come_later);
	tcase_add_test(tcase, a_client_may_leave_before_its_answer);
	tcase_add_test(tcase, a_client_may_say_its_word_and_leave);
	tcase_add_test(tcase, a_client_may_end_its_side_first);
	tcase_add_test(tcase, who_does_not_read_is_asked_no_more);
	tcase_add_test(tcase, a_line_without_end_is_refused);
	tcase_add_test(tcase, a_silent_client_is_dropped_but_not_one_that_waits);
	tcase_add_test(tcase, only_so_many_are_let_in);
	tcase_add_test(tcase, who_finds_no_descriptor_free_is_let_in_later);
	tcase_add_test(tcase, an_answer_that_is_no_text_is_said_to_be_none);
	tcase_add_test(tcase, only_its_user_can_connect);
	tcase_add_test(tcase, a_living_server_keeps_its_place);
	tcase_add_test(tcase, what_a_dead_server_left_is_replaced);
	tcase_add_test(tcase, a_file_that_is_no_socket_stays);
	tcase_add_test(tcase, the_socket_of_a_successor_stays);
	tcase_add_test(tcase, says_why_it_cannot_listen);
	tcase_add_test(tcase, who_waits_at_the_end_still_gets_an_answer);
	tcase_add_test(tcase, may_be_closed_by_an_event);
	tcase_set_timeout(tcase, 120);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
