/* SPDX-License-Identifier: MIT */
/*
 * Any bytes to the control socket: only whole commands come out, each is answered with
 * one line of JSON, and the client is let go at the end.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/client.h"

#define CHUNK_BYTES 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct loop *loop;
static char answers[1 << 20];
static size_t answers_size;

static void require(bool holds)
{
	if (!holds) {
		abort();
	}
}

static void on_command(void *arg, struct control_client *client, const char *command,
    const char *name)
{
	(void)arg;
	require(command[0] != '\0' && (strcmp(command, "reset") != 0 || name[0] != '\0'));
	control_reply(client, json_pack("{s:b, s:s}", "ok", 1, "name", name));
}

static void stop(struct deferred *deferred)
{
	(void)deferred;
	loop_stop(loop);
}

static void turn(int fd)
{
	struct deferred soon;
	ssize_t got;

	deferred_init(&soon, stop);
	loop_soon(loop, &soon);
	loop_run(loop);
	got = recv(fd, answers + answers_size, sizeof(answers) - answers_size,
	    MSG_DONTWAIT);
	answers_size += got > 0 ? (size_t)got : 0;
}

static void check_answers(void)
{
	const char *line = answers;
	const char *last = answers + answers_size;

	while (line < last) {
		const char *end = memchr(line, '\n', (size_t)(last - line));
		json_t *answer;

		require(end != NULL);
		answer = json_loadb(line, (size_t)(end - line), 0, NULL);
		require(json_is_boolean(json_object_get(answer, "ok")));
		json_decref(answer);
		line = end + 1;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct control control = { .fn = on_command };
	int fds[2];

	loop = loop_new();
	control.loop = loop;
	list_init(&control.clients);
	answers_size = 0;
	require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	client_new(&control, fds[1]);
	while (size > 0) {
		size_t part = size < CHUNK_BYTES ? size : CHUNK_BYTES;
		ssize_t sent = send(fds[0], data, part, MSG_NOSIGNAL);

		/* It waits while its answers are not read, or is gone. */
		part = sent < 0 ? (control.count == 0 ? size : 0) : (size_t)sent;
		data += part;
		size -= part;
		turn(fds[0]);
	}
	shutdown(fds[0], SHUT_WR);
	while (control.count > 0) {
		turn(fds[0]);
	}
	turn(fds[0]);
	check_answers();
	close(fds[0]);
	loop_free(loop);
	return 0;
}
