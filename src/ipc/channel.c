/* SPDX-License-Identifier: MIT */
/* Messages between the master and a worker. */
#include "ipc/channel.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SEND_MS 1000
/* What goes over the wire: the descriptors travel beside it. */
#define WIRE_BYTES offsetof(struct channel_message, fds)

int channel_pair(int fds[2])
{
	int type = SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC;

	return socketpair(AF_UNIX, type, 0, fds) == 0 ? 0 : ERR_SYSTEM;
}

static void put_fds(struct msghdr *header, char *control,
    const struct channel_message *message)
{
	size_t count = 0;
	struct cmsghdr *c;

	while (count < CHANNEL_FDS && message->fds[count] >= 0) {
		count++;
	}
	if (count == 0) {
		return;
	}
	header->msg_control = control;
	header->msg_controllen = CMSG_SPACE(count * sizeof(int));
	c = CMSG_FIRSTHDR(header);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(c), message->fds, count * sizeof(int));
}

int channel_offer(int fd, const struct channel_message *message)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(CHANNEL_FDS * sizeof(int))];
	struct iovec part = { (void *)message, WIRE_BYTES };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t sent;

	memset(control, 0, sizeof(control));
	put_fds(&header, control, message);
	do {
		sent = sendmsg(fd, &header, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	return sent >= 0 ? 0 : errno == EAGAIN ? ERR_AGAIN : ERR_CLOSED;
}

int channel_send(int fd, const struct channel_message *message)
{
	struct pollfd writable = { .fd = fd, .events = POLLOUT };
	int rc = channel_offer(fd, message);

	while (rc == ERR_AGAIN) {
		int ready = poll(&writable, 1, SEND_MS);

		if (ready == 0 || (ready < 0 && errno != EINTR)) {
			return ERR_CLOSED;
		}
		rc = channel_offer(fd, message);
	}
	return rc;
}

static void take_fds(struct msghdr *header, struct channel_message *message)
{
	size_t taken = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL;
	     c = CMSG_NXTHDR(header, c)) {
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		for (size_t i = 0; c->cmsg_type == SCM_RIGHTS && i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			if (taken < CHANNEL_FDS) {
				message->fds[taken++] = fd;
			} else {
				close(fd);
			}
		}
	}
}

int channel_receive(int fd, struct channel_message *message)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(CHANNEL_FDS * sizeof(int))];
	struct iovec part = { message, WIRE_BYTES };
	struct msghdr header = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control) };
	ssize_t size;

	for (size_t i = 0; i < CHANNEL_FDS; i++) {
		message->fds[i] = -1;
	}
	do {
		size = recvmsg(fd, &header, MSG_CMSG_CLOEXEC);
	} while (size < 0 && errno == EINTR);
	if (size < 0) {
		return errno == EAGAIN ? ERR_AGAIN : ERR_CLOSED;
	}
	if (size == 0) {
		return ERR_EOF;
	}
	take_fds(&header, message);
	if (size != WIRE_BYTES || (header.msg_flags & MSG_TRUNC)) {
		channel_close_fds(message);
		return ERR_PROTOCOL;
	}
	message->text[CHANNEL_TEXT - 1] = '\0';
	return 0;
}

void channel_close_fds(struct channel_message *message)
{
	for (size_t i = 0; i < CHANNEL_FDS; i++) {
		if (message->fds[i] >= 0) {
			close(message->fds[i]);
			message->fds[i] = -1;
		}
	}
}
