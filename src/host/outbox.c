/* SPDX-License-Identifier: MIT */
/*
 * The batch of a host. The page tells the peer where in the stream it lies: out_base
 * moves on only after out_size is 0, so that a death in between shows no frame twice.
 */
#include "host/outbox.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

/* Room for one descriptor beside a frame, aligned as the kernel wants it. */
union file_control {
	struct cmsghdr head;
	char bytes[CMSG_SPACE(sizeof(int))];
};

void outbox_init(struct outbox *outbox, int fd, struct page *page)
{
	outbox->fd = fd;
	outbox->page = page;
	pthread_mutex_init(&outbox->lock, NULL);
}

/* After a send that took nothing: 0 if it may be tried again. */
static int wait_for_room(const struct outbox *outbox)
{
	struct pollfd room = { .fd = outbox->fd, .events = POLLOUT };

	switch (errno) {
	case EINTR:
		return 0;
	case EAGAIN:
		return poll(&room, 1, -1) >= 0 || errno == EINTR ? 0 : ERR_SYSTEM;
	case EPIPE:
	case ECONNRESET:
		return ERR_CLOSED;
	default:
		return ERR_SYSTEM;
	}
}

static int send_all(const struct outbox *outbox, struct slice bytes)
{
	int rc = 0;

	while (rc == 0 && bytes.size > 0) {
		ssize_t sent = send(outbox->fd, bytes.data, bytes.size, MSG_NOSIGNAL);

		if (sent > 0) {
			slice_skip(&bytes, (size_t)sent);
		} else {
			rc = wait_for_room(outbox);
		}
	}
	return rc;
}

static void advance(struct page *page, size_t sent)
{
	uint64_t base = atomic_load_explicit(&page->out_base, memory_order_relaxed);

	atomic_store_explicit(&page->out_size, 0, memory_order_release);
	atomic_store_explicit(&page->out_base, base + sent, memory_order_release);
}

static uint32_t waiting(const struct page *page)
{
	return atomic_load_explicit(&page->out_size, memory_order_relaxed);
}

static int flush(struct outbox *outbox)
{
	struct page *page = outbox->page;
	struct slice batch = { page->out, waiting(page) };
	int rc = send_all(outbox, batch);

	if (rc == 0) {
		advance(page, batch.size);
	}
	return rc;
}

static int send_now(struct outbox *outbox, struct slice frame)
{
	int rc = send_all(outbox, frame);

	if (rc == 0) {
		advance(outbox->page, frame.size);
	}
	return rc;
}

static void append(struct page *page, struct slice frame)
{
	uint32_t size = waiting(page);

	memcpy(page->out + size, frame.data, frame.size);
	atomic_store_explicit(&page->out_size, size + (uint32_t)frame.size,
	    memory_order_release);
}

int outbox_put(struct outbox *outbox, struct slice frame)
{
	int rc = 0;

	pthread_mutex_lock(&outbox->lock);
	if (frame.size > PAGE_OUT_BYTES - waiting(outbox->page)) {
		rc = flush(outbox);
	}
	if (rc == 0 && frame.size <= PAGE_OUT_BYTES) {
		append(outbox->page, frame);
	} else if (rc == 0) {
		rc = send_now(outbox, frame);
	}
	pthread_mutex_unlock(&outbox->lock);
	return rc;
}

/* The descriptor goes with the first byte, which is all that the first send must take. */
static int send_with_file(struct outbox *outbox, struct slice frame, int file_fd)
{
	union file_control control = { .bytes = { 0 } };
	struct iovec bytes = { .iov_base = (void *)frame.data, .iov_len = frame.size };
	struct msghdr message = { .msg_iov = &bytes, .msg_iovlen = 1,
		.msg_control = control.bytes, .msg_controllen = sizeof(control.bytes) };
	ssize_t sent;
	int rc = 0;

	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(file_fd));
	memcpy(CMSG_DATA(&control.head), &file_fd, sizeof(file_fd));
	while (rc == 0 && (sent = sendmsg(outbox->fd, &message, MSG_NOSIGNAL)) <= 0) {
		rc = wait_for_room(outbox);
	}
	if (rc == 0) {
		advance(outbox->page, (size_t)sent);
		slice_skip(&frame, (size_t)sent);
		rc = send_now(outbox, frame);
	}
	return rc;
}

int outbox_put_file(struct outbox *outbox, struct slice frame, int file_fd)
{
	int rc;

	pthread_mutex_lock(&outbox->lock);
	rc = flush(outbox);
	if (rc == 0) {
		rc = send_with_file(outbox, frame, file_fd);
	}
	pthread_mutex_unlock(&outbox->lock);
	return rc;
}

int outbox_flush(struct outbox *outbox)
{
	int rc;

	pthread_mutex_lock(&outbox->lock);
	rc = flush(outbox);
	pthread_mutex_unlock(&outbox->lock);
	return rc;
}
