/* SPDX-License-Identifier: MIT */
/* A command to the server that runs, and its answer. */
#include "control/call.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "control/address.h"
#include "os/loop.h"

#define READ_BYTES 65536
#define ANSWER_BYTES (64u << 20)

/* A blocking socket, connected to the server at path. */
static int call_server(const char *path, int *fd)
{
	struct timeval wait = { .tv_sec = CALL_SEND_MS / 1000 };
	struct control_address address;
	int rc = ERR_SYSTEM;

	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd >= 0 && control_address_open(&address, path, false) == 0) {
		/* Holds for connect too, which waits while the server's queue is full. */
		if (setsockopt(*fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) == 0 &&
		    connect(*fd, (const struct sockaddr *)&address.socket,
		    sizeof(address.socket)) == 0) {
			rc = 0;
		}
		control_address_close(&address);
	}
	return rc;
}

static int send_all(int fd, const char *text, size_t size)
{
	while (size > 0) {
		ssize_t sent = send(fd, text, size, MSG_NOSIGNAL);

		if (sent > 0) {
			text += sent;
			size -= (size_t)sent;
		} else if (sent == 0 || errno != EINTR) {
			return ERR_SYSTEM;
		}
	}
	return 0;
}

static int send_request(int fd, const json_t *request)
{
	char *text = json_dumps(request, JSON_COMPACT);
	int rc = ERR_SYSTEM;

	errno = EINVAL;		/* of a text that is not UTF-8; or else that of send */
	if (text != NULL && send_all(fd, text, strlen(text)) == 0) {
		rc = send_all(fd, "\n", 1);
	}
	free(text);
	return rc;
}

/* Waits until there is something to read; ERR_SYSTEM with errno. */
static int wait_readable(int fd, int64_t deadline_ms)
{
	struct pollfd waited = { .fd = fd, .events = POLLIN };
	int64_t left_ms = deadline_ms - clock_us() / 1000;
	int ready = left_ms <= 0 ? 0 : poll(&waited, 1, (int)left_ms);

	if (ready == 0) {
		errno = ETIMEDOUT;
	}
	return ready > 0 || (ready < 0 && errno == EINTR) ? 0 : ERR_SYSTEM;
}

/* Up to the end of the line. */
static int receive_line(int fd, struct buffer *line)
{
	int64_t deadline_ms = clock_us() / 1000 + CALL_ANSWER_MS;

	for (;;) {
		char *space;
		ssize_t got;

		if (buffer_reserve(line, READ_BYTES, &space) != 0) {
			return ERR_PROTOCOL;	/* no answer is that long */
		}
		if (wait_readable(fd, deadline_ms) != 0) {
			return ERR_SYSTEM;
		}
		got = recv(fd, space, READ_BYTES, MSG_DONTWAIT);
		if (got == 0 || (got < 0 && errno == ECONNRESET)) {
			return ERR_CLOSED;
		}
		if (got < 0 && errno != EINTR && errno != EAGAIN) {
			return ERR_SYSTEM;
		}
		if (got > 0) {
			buffer_commit(line, (size_t)got);
			if (space[got - 1] == '\n') {
				return 0;
			}
		}
	}
}

static int receive_reply(int fd, json_t **reply)
{
	struct buffer line;
	int rc;

	buffer_init(&line, ANSWER_BYTES);
	rc = receive_line(fd, &line);
	if (rc == 0) {
		struct slice all = buffer_slice(&line);

		*reply = json_loadb(all.data, all.size, 0, NULL);
		if (!json_is_object(*reply)) {
			json_decref(*reply);
			*reply = NULL;
			rc = ERR_PROTOCOL;
		}
	}
	buffer_release(&line);
	return rc;
}

/* One that is turned away may have its answer, and no more way to ask, before it asks. */
static int ask(int fd, const json_t *request, json_t **reply)
{
	int rc = send_request(fd, request);

	return rc == 0 || errno == EPIPE ? receive_reply(fd, reply) : rc;
}

static void explain(int rc, const char *path, char *why, size_t why_size)
{
	if (rc == ERR_MISSING) {
		snprintf(why, why_size, "no tincan answers at '%s'", path);
	} else if (rc == ERR_SYSTEM) {
		snprintf(why, why_size, "cannot talk to tincan at '%s': %s", path,
		    strerror(errno));
	} else if (rc == ERR_CLOSED) {
		snprintf(why, why_size, "tincan at '%s' ended before it answered", path);
	} else if (rc != 0) {
		snprintf(why, why_size, "what answers at '%s' is not tincan", path);
	}
}

int control_call(const char *path, json_t *request, json_t **reply, char *why,
    size_t why_size)
{
	int fd;
	int rc = call_server(path, &fd);

	*reply = NULL;
	if (rc == 0) {
		rc = ask(fd, request, reply);
	} else if (errno == ENOENT || errno == ENOTDIR || errno == ECONNREFUSED) {
		rc = ERR_MISSING;
	}
	explain(rc, path, why, why_size);
	if (fd >= 0) {
		close(fd);
	}
	json_decref(request);
	return rc;
}
