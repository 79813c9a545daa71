/* SPDX-License-Identifier: MIT */
/* Commands to a real control socket, which another process serves. */
#include "control/call.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control/address.h"
#include "control/control.h"
#include "folder.h"
#include "unit.h"

#define LARGE_BYTES (1 << 20)

static char top[FOLDER_BYTES];
static char path[512];
static struct loop *loop;
static struct control *control;
static struct problems problems;
static pid_t server;
static json_t *reply;
static char why[600];

static json_t *make_large(void)
{
	char *text = calloc(1, LARGE_BYTES + 1);
	json_t *object;

	memset(text, 'x', LARGE_BYTES);
	object = json_pack("{s:b, s:s}", "ok", 1, "text", text);
	free(text);
	return object;
}

static void on_command(void *arg, struct control_client *client, const char *command,
    const char *name)
{
	(void)arg;
	if (strcmp(command, "status") == 0) {
		control_reply(client, json_pack("{s:b, s:s}", "ok", 1, "name", name));
	} else if (strcmp(command, "plugins") == 0) {
		control_reply(client, make_large());
	}
}

/* The process that serves; control and loop are as fork found them. */
static void start_server(void)
{
	control = control_open(loop, path, on_command, NULL, &problems);
	ck_assert_ptr_nonnull(control);
	server = fork();
	ck_assert_int_ge(server, 0);
	if (server == 0) {
		loop_run(loop);
		_exit(EXIT_SUCCESS);
	}
}

static void set_up(void)
{
	folder_make(top);
	snprintf(path, sizeof(path), "%s/tincan.sock", top);
	loop = loop_new();
	problems_init(&problems);
	control = NULL;
	server = 0;
}

static void tear_down(void)
{
	if (server > 0) {
		kill(server, SIGKILL);
		ck_assert_int_eq(waitpid(server, NULL, 0), server);
	}
	control_close(control);
	loop_run_deferred(loop);
	loop_free(loop);
	problems_release(&problems);
	json_decref(reply);
	folder_remove(top);
}

static int call(const char *command)
{
	json_decref(reply);
	return control_call(path, json_pack("{s:s}", "command", command), &reply, why,
	    sizeof(why));
}

START_TEST(brings_back_the_answer)
{
	start_server();
	ck_assert_int_eq(call("status"), 0);
	ck_assert(json_is_true(json_object_get(reply, "ok")));
	ck_assert_int_eq(call("fly"), 0);
	ck_assert(json_is_false(json_object_get(reply, "ok")));
}
END_TEST

START_TEST(an_answer_may_be_large)
{
	start_server();
	ck_assert_int_eq(call("plugins"), 0);
	ck_assert_uint_eq(json_string_length(json_object_get(reply, "text")),
	    LARGE_BYTES);
}
END_TEST

START_TEST(a_path_may_be_longer_than_a_socket_address)
{
	int size = snprintf(path, sizeof(path), "%s/%0150d", top, 0);

	ck_assert_int_eq(mkdir(path, 0700), 0);
	snprintf(path + size, sizeof(path) - (size_t)size, "/run/tincan.sock");
	start_server();
	ck_assert_int_eq(access(path, F_OK), 0);
	ck_assert_int_eq(call("status"), 0);
}
END_TEST

static void expect_nobody(void)
{
	char expected[600];

	ck_assert_int_eq(call("status"), ERR_MISSING);
	ck_assert_ptr_null(reply);
	snprintf(expected, sizeof(expected), "no tincan answers at '%s'", path);
	ck_assert_str_eq(why, expected);
}

START_TEST(says_when_no_server_is_there)
{
	struct control_address address;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	expect_nobody();
	ck_assert_int_eq(control_address_open(&address, path, false), 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address.socket,
	    sizeof(address.socket)), 0);
	control_address_close(&address);
	close(fd);
	expect_nobody();
	snprintf(path, sizeof(path), "%s/none/tincan.sock", top);
	expect_nobody();
}
END_TEST

/* Somebody else has the socket, and says text to everybody. */
static void start_stranger(const char *text)
{
	struct control_address address;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	ck_assert_int_eq(control_address_open(&address, path, false), 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address.socket,
	    sizeof(address.socket)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	control_address_close(&address);
	server = fork();
	ck_assert_int_ge(server, 0);
	if (server == 0) {
		int client = accept(fd, NULL, NULL);
		char byte;

		/* One that hears nothing has gone. */
		if (recv(client, &byte, 1, 0) == 1) {
			(void)!write(client, text, strlen(text));
		}
		_exit(EXIT_SUCCESS);
	}
	close(fd);
}

START_TEST(says_when_the_connection_ends_before_the_answer)
{
	char expected[600];

	start_stranger("{\"ok\":tr");
	ck_assert_int_eq(call("stop"), ERR_CLOSED);
	snprintf(expected, sizeof(expected), "tincan at '%s' ended before it answered",
	    path);
	ck_assert_str_eq(why, expected);
}
END_TEST

START_TEST(says_when_a_stranger_answers)
{
	char expected[600];

	start_stranger("220 mail.example ESMTP\r\n");
	ck_assert_int_eq(call("stop"), ERR_PROTOCOL);
	snprintf(expected, sizeof(expected), "what answers at '%s' is not tincan", path);
	ck_assert_str_eq(why, expected);
	ck_assert_ptr_null(reply);
}
END_TEST

START_TEST(says_when_the_file_is_no_socket)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	ck_assert_int_ge(fd, 0);
	close(fd);
	expect_nobody();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("call");
	TCase *tcase = tcase_create("call");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, brings_back_the_answer);
	tcase_add_test(tcase, an_answer_may_be_large);
	tcase_add_test(tcase, a_path_may_be_longer_than_a_socket_address);
	tcase_add_test(tcase, says_when_no_server_is_there);
	tcase_add_test(tcase, says_when_the_connection_ends_before_the_answer);
	tcase_add_test(tcase, says_when_a_stranger_answers);
	tcase_add_test(tcase, says_when_the_file_is_no_socket);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
