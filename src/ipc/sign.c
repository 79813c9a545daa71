/* SPDX-License-Identifier: MIT */
/* What a worker asks of the keeper, and its answers. */
#include "ipc/sign.h"

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>

#define REQUEST_HEADER offsetof(struct sign_request, text)
#define ANSWER_HEADER offsetof(struct sign_answer, signature)

int sign_pair(int fds[2])
{
	int type = SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK;

	return socketpair(AF_UNIX, type, 0, fds) == 0 ? 0 : ERR_SYSTEM;
}

static int send_packet(int fd, const void *packet, size_t size)
{
	ssize_t sent;

	do {
		sent = send(fd, packet, size, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0) {
		return errno == EAGAIN ? ERR_AGAIN : ERR_CLOSED;
	}
	return 0;
}

int sign_send_request(int fd, const struct sign_request *request)
{
	return send_packet(fd, request, REQUEST_HEADER + request->size);
}

int sign_send_answer(int fd, const struct sign_answer *answer)
{
	return send_packet(fd, answer, ANSWER_HEADER + answer->size);
}

/* A longer packet than the caller has room for says so by its true size. */
static int receive_packet(int fd, void *packet, size_t max, size_t *size)
{
	ssize_t got;

	do {
		got = recv(fd, packet, max, MSG_TRUNC);
	} while (got < 0 && errno == EINTR);
	if (got < 0) {
		return errno == EAGAIN ? ERR_AGAIN : ERR_CLOSED;
	}
	*size = (size_t)got;
	return got == 0 ? ERR_EOF : *size > max ? ERR_PROTOCOL : 0;
}

int sign_receive_request(int fd, struct sign_request *request)
{
	size_t size;
	int rc = receive_packet(fd, request, sizeof(*request), &size);

	if (rc == 0 &&
	    (size < REQUEST_HEADER || request->size > SIGN_TEXT_MAX ||
		size != REQUEST_HEADER + request->size)) {
		rc = ERR_PROTOCOL;
	}
	return rc;
}

int sign_receive_answer(int fd, struct sign_answer *answer)
{
	size_t size;
	int rc = receive_packet(fd, answer, sizeof(*answer), &size);

	if (rc == 0 &&
	    (size < ANSWER_HEADER || answer->size > SIGN_SIGNATURE_MAX ||
		size != ANSWER_HEADER + answer->size ||
		(answer->status == SIGN_DONE) != (answer->size > 0))) {
		rc = ERR_PROTOCOL;
	}
	return rc;
}

const char *sign_status_text(enum sign_status status)
{
	switch (status) {
	case SIGN_DONE:
		return "it has signed";
	case SIGN_NO_KEY:
		return "the keeper does not have the key of this certificate";
	case SIGN_REFUSED:
		return "the keeper refuses to sign this";
	default:
		return "the keeper could not sign";
	}
}
