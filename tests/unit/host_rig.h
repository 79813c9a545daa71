/* SPDX-License-Identifier: MIT */
/*
 * A real tincan-host and the peer of it: frames go to it, what it says comes back one
 * frame at a time, first from the socket and, once it is dead, from its page.
 */
#ifndef TINCAN_TESTS_HOST_RIG_H
#define TINCAN_TESTS_HOST_RIG_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "ipc/frame.h"
#include "ipc/pack.h"
#include "ipc/page.h"
#include "remote/reply.h"
#include "remote/request.h"
#include "rig.h"

#define HOST_RIG_WAIT_MS 20000

struct host_rig {
	struct rig rig;
	pid_t pid;
	int fd;			/* our end of the socket */
	const struct page *page;
	struct buffer out;	/* frames that are not yet sent */
	char *in;		/* everything that came: frames borrow from it */
	size_t in_size;
	size_t in_read;
	int file;		/* the last descriptor that came; -1: none */
	bool from_page;		/* what the page held has been taken */
};

static inline const char *host_rig_program(void)
{
	const char *program = getenv("TINCAN_TEST_HOST");

	return program == NULL ? "./tincan-host" : program;
}

static inline void host_rig_spawn(struct host_rig *host, const struct plugin *plugin,
    bool probe)
{
	char *arguments[] = { "tincan-host", "--probe", (char *)plugin->note.name,
		plugin->copy, (char *)plugin->hash, NULL };
	posix_spawn_file_actions_t actions;
	int fds[2];
	int page_fd;
	int reader_fd;
	int high_socket;
	int high_page;

	if (!probe) {
		memmove(arguments + 1, arguments + 2, 4 * sizeof(arguments[0]));
	}
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	ck_assert_int_eq(page_create(&page_fd, &reader_fd), 0);
	ck_assert_int_eq(page_map_reader(reader_fd, &host->page), 0);
	/* Out of the way of 3 and 4, so that neither dup2 hits the other's source. */
	high_socket = fcntl(fds[1], F_DUPFD_CLOEXEC, 10);
	high_page = fcntl(page_fd, F_DUPFD_CLOEXEC, 10);
	/* What ASan finds in a host is to end it as glibc's own checks would. */
	setenv("ASAN_OPTIONS", "abort_on_error=1", 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, high_socket, 3);
	posix_spawn_file_actions_adddup2(&actions, high_page, 4);
	ck_assert_int_eq(posix_spawn(&host->pid, host_rig_program(), &actions, NULL,
	    arguments, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	close(high_socket);
	close(high_page);
	close(fds[1]);
	close(page_fd);
	close(reader_fd);
	host->fd = fds[0];
	host->file = -1;
	buffer_init(&host->out, (size_t)1 << 30);
}

/* A host of that test handler. */
static inline void host_rig_open(struct host_rig *host, const char *name, bool probe)
{
	memset(host, 0, sizeof(*host));
	rig_open(&host->rig);
	host_rig_spawn(host, rig_scan_one(&host->rig, name), probe);
}

/* Its wait status, once it has ended. */
static inline int host_rig_wait(struct host_rig *host)
{
	int status = -1;

	ck_assert_int_eq(waitpid(host->pid, &status, 0), host->pid);
	host->pid = 0;
	return status;
}

static inline void host_rig_close(struct host_rig *host)
{
	close(host->fd);
	if (host->pid != 0) {
		host_rig_wait(host);
	}
	if (host->file >= 0) {
		close(host->file);
	}
	page_unmap(host->page);
	buffer_release(&host->out);
	free(host->in);
	rig_close(&host->rig);
}

/* Sends what was packed, all in one write if the socket has room for it. A host that has
 * died meanwhile is no failure. */
static inline void host_rig_send(struct host_rig *host)
{
	struct slice bytes = buffer_slice(&host->out);

	while (bytes.size > 0) {
		ssize_t sent = send(host->fd, bytes.data, bytes.size, MSG_NOSIGNAL);

		if (sent < 0) {
			ck_assert_int_eq(errno, EPIPE);
			break;
		}
		slice_skip(&bytes, (size_t)sent);
	}
	buffer_reset(&host->out);
}

static inline void host_rig_keep(struct host_rig *host, const void *data, size_t size)
{
	char *grown = malloc(host->in_size + size + 1);

	/* Never moved in place: frames read before borrow from the old bytes. */
	ck_assert_ptr_nonnull(grown);
	if (host->in_size > 0) {
		memcpy(grown, host->in, host->in_size);
	}
	memcpy(grown + host->in_size, data, size);
	free(host->in);
	host->in = grown;
	host->in_size += size;
}

static inline void host_rig_take_file(struct host_rig *host, struct msghdr *message)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(message);

	if (control != NULL && control->cmsg_type == SCM_RIGHTS) {
		memcpy(&host->file, CMSG_DATA(control), sizeof(host->file));
	}
}

/* False at the end of the stream. */
static inline bool host_rig_receive(struct host_rig *host)
{
	static char bytes[65536];
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec part = { bytes, sizeof(bytes) };
	struct msghdr message = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control) };
	struct pollfd readable = { .fd = host->fd, .events = POLLIN };
	ssize_t got;

	ck_assert_int_eq(poll(&readable, 1, HOST_RIG_WAIT_MS), 1);
	got = recvmsg(host->fd, &message, MSG_CMSG_CLOEXEC);
	if (got <= 0) {
		ck_assert(got == 0 || errno == ECONNRESET);
		return false;
	}
	host_rig_take_file(host, &message);
	host_rig_keep(host, bytes, (size_t)got);
	return true;
}

/* The next frame, borrowed until the one after it; ERR_EOF when the host is dead and the
 * page has nothing left. */
static inline int host_rig_next(struct host_rig *host, struct frame *frame)
{
	for (;;) {
		struct slice rest = { host->in == NULL ? "" : host->in, host->in_size };
		size_t before;
		int rc;

		slice_skip(&rest, host->in_read);
		before = rest.size;
		rc = frame_next(&rest, frame);
		ck_assert_int_ne(rc, ERR_PROTOCOL);
		if (rc == 0) {
			host->in_read += before - rest.size;
			return 0;
		}
		if (host->from_page) {
			return ERR_EOF;
		}
		if (!host_rig_receive(host)) {
			struct slice unsent;
			siginfo_t info;

			/* Until it is dead it may go on. */
			ck_assert_int_eq(waitid(P_PID, (id_t)host->pid, &info,
			    WEXITED | WNOWAIT), 0);
			unsent = page_unsent(host->page, host->in_size);
			host_rig_keep(host, unsent.data, unsent.size);
			host->from_page = true;
		}
	}
}

/* The next one, which must be of that type. */
static inline struct frame host_rig_expect(struct host_rig *host, enum frame_type type)
{
	struct frame frame;

	ck_assert_int_eq(host_rig_next(host, &frame), 0);
	ck_assert_int_eq(frame.header.type, type);
	return frame;
}

/* The next one that is no line of the log; of that id. */
static inline struct frame host_rig_expect_of(struct host_rig *host, enum frame_type type,
    uint64_t id)
{
	struct frame frame;

	do {
		ck_assert_int_eq(host_rig_next(host, &frame), 0);
	} while (frame.header.type == FRAME_LOG);
	ck_assert_int_eq(frame.header.type, type);
	ck_assert_uint_eq(frame.header.id, id);
	return frame;
}

/* Packs an OPEN without settings. */
static inline void host_rig_mount(struct host_rig *host, uint32_t id, const char *pattern)
{
	struct open_message message = { .pattern = pattern,
		.directory = "/",
		.where = "server.json:1: routes[0]" };

	settings_init(&message.settings);
	ck_assert_int_eq(open_pack(&host->out, id, &message), 0);
}

static inline void host_rig_pack(struct host_rig *host, enum frame_type type, uint64_t id)
{
	ck_assert_int_eq(frame_append(&host->out, type, 0, 0, id, SLICE("")), 0);
}

/* Packs the request of an exchange that rig_begin has begun. */
static inline void host_rig_request(struct host_rig *host, uint64_t id, uint32_t instance,
    const struct rig_exchange *exchange)
{
	ck_assert_int_eq(request_pack(&host->out, id, instance, &exchange->exchange), 0);
}

/* The same, of a plain GET. */
static inline void host_rig_get(struct host_rig *host, uint64_t id, const char *path)
{
	struct rig_exchange exchange = { 0 };

	rig_begin(&exchange, HTTP_GET, path);
	exchange.exchange.match.pattern = "/*";
	exchange.exchange.match.tail = SLICE("");
	snprintf(exchange.exchange.id, sizeof(exchange.exchange.id), "request%u",
	    (unsigned)id);
	host_rig_request(host, id, 1, &exchange);
	rig_end(&exchange);
}

/* A host that has said hello and has opened instance 1. */
static inline void host_rig_start(struct host_rig *host, const char *name)
{
	host_rig_open(host, name, false);
	host_rig_mount(host, 1, "/*");
	host_rig_send(host);
	host_rig_expect(host, FRAME_HELLO);
	host_rig_expect(host, FRAME_OPENED);
}

#endif
