/* SPDX-License-Identifier: MIT */
/* The socket between a worker and one host. */
#include "remote/link.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINK_READ (128 * 1024)		/* bytes asked for at a time */
#define LINK_IN_MAX (2 * FRAME_MAX)
#define LINK_CROWDED (4u << 20)		/* bytes that wait for a host */
#define LINK_OUT_MAX (128u << 20) /* requests and messages on their way to a slow host */
#define LINK_KEPT (256 * 1024)	/* of that, while nothing is on its way */

static void go_down(struct link *link, int error)
{
	if (!link->down) {
		link->down = true;
		link->broken = error != 0;
		loop_remove(link->loop, &link->watch);
		link->ops->down(link, error);
	}
}

static int take_frames(struct link *link)
{
	struct slice rest = buffer_slice(&link->in);
	size_t taken = 0;
	struct frame frame;
	int rc = 0;

	while (rc == 0 && (rc = frame_next(&rest, &frame)) == 0) {
		rc = link->ops->frame(link, &frame);
		taken = rc == 0 ? link->in.size - rest.size : taken;
	}
	buffer_consume(&link->in, taken);
	return rc == ERR_AGAIN ? 0 : rc;
}

static void keep_fds(struct link *link, struct msghdr *message)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL;
	     c = CMSG_NXTHDR(message, c)) {
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		for (size_t i = 0; c->cmsg_type == SCM_RIGHTS && i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			if (link->fd_count < LINK_FDS) {
				link->fds[link->fd_count++] = fd;
			} else {
				close(fd);
			}
		}
	}
}

/* 0, ERR_AGAIN, ERR_EOF, ERR_CLOSED, ERR_LIMIT or ERR_NOMEM. */
static int receive(struct link *link)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(LINK_FDS * sizeof(int))];
	struct iovec part = { .iov_len = LINK_READ };
	struct msghdr message = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control) };
	char *space;
	ssize_t size;
	int rc = buffer_reserve(&link->in, LINK_READ, &space);

	if (rc != 0) {
		return rc;
	}
	part.iov_base = space;
	do {
		size = recvmsg(link->watch.fd, &message, MSG_CMSG_CLOEXEC);
	} while (size < 0 && errno == EINTR);
	if (size > 0) {
		keep_fds(link, &message);
		buffer_commit(&link->in, (size_t)size);
		link->received += (uint64_t)size;
		return 0;
	}
	return size == 0 ? ERR_EOF : errno == EAGAIN ? ERR_AGAIN : ERR_CLOSED;
}

/* 0: there may be more. */
static int read_some(struct link *link)
{
	int rc = receive(link);

	if (rc == 0) {
		rc = take_frames(link);
	}
	if (rc == ERR_EOF || rc == ERR_CLOSED) {
		go_down(link, 0);
	} else if (rc != 0 && rc != ERR_AGAIN) {
		go_down(link, rc);
	}
	return rc;
}

void link_drain(struct link *link)
{
	while (!link->down && read_some(link) == 0) {
	}
	/* Without an end of file: a process that the plugin started keeps the socket. */
	go_down(link, 0);
}

int link_take_unsent(struct link *link)
{
	struct slice unsent;
	int rc;

	/* What the plugin wrote itself stands in the stream, but does not count in the
	 * page's positions: only a batch that follows what was understood has a known
	 * place. */
	if (link->broken) {
		link->received -= link->in.size;
		buffer_reset(&link->in);
		if (atomic_load(&link->page->out_base) != link->received) {
			return ERR_PROTOCOL;
		}
	}
	unsent = page_unsent(link->page, link->received);
	rc = buffer_append(&link->in, unsent.data, unsent.size);
	return rc == 0 ? take_frames(link) : rc;
}

static void send_out(struct link *link)
{
	while (link->out.size > 0) {
		struct slice data = buffer_slice(&link->out);
		ssize_t size = send(link->watch.fd, data.data, data.size, MSG_NOSIGNAL);

		if (size >= 0) {
			buffer_consume(&link->out, (size_t)size);
		} else if (errno == EAGAIN) {
			link->blocked = true;
			loop_modify(link->loop, &link->watch, EPOLLIN | EPOLLOUT);
			return;
		} else if (errno != EINTR) {
			/* The end of file that comes, too, says it. */
			buffer_reset(&link->out);
		}
	}
}

bool link_crowded(struct link *link)
{
	link->crowded = link->crowded || link->out.size > LINK_CROWDED;
	return link->crowded;
}

static void make_progress(struct link *link)
{
	send_out(link);
	/* What a large body needed once, or a host that was slow. */
	if (link->out.size == 0 && link->out.capacity > LINK_KEPT) {
		buffer_release(&link->out);
	}
	if (link->crowded && link->out.size <= LINK_CROWDED / 2) {
		link->crowded = false;
		link->ops->room(link);
	}
}

static void on_event(struct watch *watch, uint32_t events)
{
	struct link *link = LIST_OWNER(watch, struct link, watch);

	if ((events & EPOLLOUT) && link->blocked && !link->down) {
		link->blocked = false;
		loop_modify(link->loop, &link->watch, EPOLLIN);
		make_progress(link);
	}
	if ((events & ~(uint32_t)EPOLLOUT) && !link->down) {
		(void)read_some(link);
	}
}

static void on_flush(struct deferred *flush)
{
	struct link *link = LIST_OWNER(flush, struct link, flush);

	if (!link->down && !link->blocked) {
		make_progress(link);
	}
}

int link_init(struct link *link, struct loop *loop, const struct link_ops *ops,
    int socket_fd, int page_fd)
{
	int rc;

	memset(link, 0, sizeof(*link));
	link->loop = loop;
	link->ops = ops;
	link->watch = (struct watch){ .fd = socket_fd, .fn = on_event };
	deferred_init(&link->flush, on_flush);
	buffer_init(&link->out, LINK_OUT_MAX);
	buffer_init(&link->in, LINK_IN_MAX);
	rc = page_map_reader(page_fd, &link->page);
	close(page_fd);
	if (rc == 0) {
		rc = loop_add(loop, &link->watch, EPOLLIN);
	}
	if (rc != 0) {
		link->down = true;
		link_release(link);
	}
	return rc;
}

void link_release(struct link *link)
{
	if (!link->down) {
		loop_remove(link->loop, &link->watch);
	}
	deferred_cancel(&link->flush);
	close(link->watch.fd);
	for (size_t i = 0; i < link->fd_count; i++) {
		close(link->fds[i]);
	}
	buffer_release(&link->out);
	buffer_release(&link->in);
	page_unmap(link->page);
}

struct buffer *link_out(struct link *link)
{
	return &link->out;
}

void link_flush(struct link *link)
{
	loop_defer(link->loop, &link->flush);
}

int link_take_fd(struct link *link)
{
	int fd;

	if (link->fd_count == 0) {
		return -1;
	}
	fd = link->fds[0];
	link->fd_count--;
	memmove(link->fds, link->fds + 1, link->fd_count * sizeof(link->fds[0]));
	return fd;
}
