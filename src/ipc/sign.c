/* SPDX-License-Identifier: MIT */
/* What a worker asks of the keeper, and its answers. */
#include "ipc/sign.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define REQUEST_HEADER offsetof(struct sign_request, text)
#define ANSWER_HEADER offsetof(struct sign_answer, signature)

int sign_pair(int fds[2])
{
	int type = SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK;

	return socketpair(AF_UNIX, type, 0, fds) == 0 ? 0 : ERR_SYSTEM;
}

static int put(struct sign_packet *packet, const void *message, size_t size)
{
	if (size > sizeof(packet->bytes) - packet->size) {
		return ERR_LIMIT;
	}
	memcpy(packet->bytes + packet->size, message, size);
	packet->size += size;
	return 0;
}

int sign_put_request(struct sign_packet *packet, const struct sign_request *request)
{
	return put(packet, request, REQUEST_HEADER + request->size);
}

int sign_put_answer(struct sign_packet *packet, const struct sign_answer *answer)
{
	return put(packet, answer, ANSWER_HEADER + answer->size);
}

static int take(struct sign_packet *packet, void *out, size_t size)
{
	if (size > packet->size - packet->taken) {
		return ERR_PROTOCOL;
	}
	memcpy(out, packet->bytes + packet->taken, size);
	packet->taken += size;
	return 0;
}

int sign_take_request(struct sign_packet *packet, struct sign_request *request)
{
	int rc;

	if (packet->taken == packet->size) {
		return ERR_AGAIN;
	}
	rc = take(packet, request, REQUEST_HEADER);
	if (rc == 0 && request->size > SIGN_TEXT_MAX) {
		rc = ERR_PROTOCOL;
	}
	return rc != 0 ? rc : take(packet, request->text, request->size);
}

int sign_take_answer(struct sign_packet *packet, struct sign_answer *answer)
{
	int rc;

	if (packet->taken == packet->size) {
		return ERR_AGAIN;
	}
	rc = take(packet, answer, ANSWER_HEADER);
	if (rc == 0 && (answer->size > SIGN_SIGNATURE_MAX ||
	    (answer->status == SIGN_DONE) != (answer->size > 0))) {
		rc = ERR_PROTOCOL;
	}
	return rc != 0 ? rc : take(packet, answer->signature, answer->size);
}

int sign_send(int fd, struct sign_packet *packet)
{
	ssize_t sent;

	do {
		sent = send(fd, packet->bytes, packet->size, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0) {
		return errno == EAGAIN ? ERR_AGAIN : ERR_CLOSED;
	}
	packet->size = 0;
	return 0;
}

/* A longer packet than there is room for says so by its true size. */
int sign_receive(int fd, struct sign_packet *packet)
{
	ssize_t got;

	packet->size = 0;
	packet->taken = 0;
	do {
		got = recv(fd, packet->bytes, sizeof(packet->bytes), MSG_TRUNC);
	} while (got < 0 && errno == EINTR);
	if (got <= 0) {
		return got == 0 ? ERR_EOF : errno == EAGAIN ? ERR_AGAIN : ERR_CLOSED;
	}
	if ((size_t)got > sizeof(packet->bytes)) {
		return ERR_PROTOCOL;
	}
	packet->size = (size_t)got;
	return 0;
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
