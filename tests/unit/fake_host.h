/* SPDX-License-Identifier: MIT */
/*
 * A host that is played by a test: it sits at the other end of a remote's socket, writes
 * the page, and can say what no real one would. There are two, so that what one does can
 * be seen not to hurt the other.
 */
#ifndef TINCAN_TESTS_FAKE_HOST_H
#define TINCAN_TESTS_FAKE_HOST_H

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "ipc/bus_ring.h"
#include "ipc/frame.h"
#include "ipc/pack.h"
#include "ipc/page.h"
#include "remote/remote.h"
#include "remote/reply.h"
#include "rig.h"

#define TIMEOUT_MS 60000
#define WAIT_MS 20000
#define SOCKET_BYTES (1 << 20)

/* The other end. */
struct fake {
	struct remote *remote;
	uint32_t pid;		/* of the host that is attached */
	uint32_t instance;
	int fd;
	struct page *page;
	struct buffer out;
	char in[SOCKET_BYTES];
	size_t in_size;
	size_t in_read;
	/* What the remote asked for. */
	int lost;
	uint32_t killed;
	int idle;
	int silent;
	char said[256];
	char bus[256];
	uint8_t told;		/* the type of the last frame that it was told */
};

static struct loop *loop;
static struct fake fake;
static struct fake other;	/* of a plugin that is well behaved */
static struct rig_exchange call;
static int open_before;

static inline void on_kill(void *arg, uint32_t pid)
{
	((struct fake *)arg)->killed = pid;
}

static inline void on_lost(void *arg, uint32_t pid)
{
	ck_assert_uint_eq(pid, ((struct fake *)arg)->pid);
	((struct fake *)arg)->lost++;
}

static inline void on_log(int level, const char *handler, const char *request,
    const char *text, size_t size)
{
	snprintf(fake.said, sizeof(fake.said), "%d %s %s: %.*s", level, handler,
	    request == NULL ? "-" : request, (int)size, text);
}

static inline void on_idle(void *arg, struct remote *remote)
{
	((struct fake *)arg)->idle++;
	ck_assert(remote_idle(remote));
}

/* What it does on the bus, as one text. */
static inline int on_subscribe(void *arg, struct slice name)
{
	(void)arg;
	snprintf(fake.bus, sizeof(fake.bus), "+%s %.*s", name.data,
	    (int)bus_name_topic(name).size, bus_name_topic(name).data);
	return 0;
}

static inline void on_unsubscribe(void *arg, struct slice name)
{
	(void)arg;
	snprintf(fake.bus, sizeof(fake.bus), "-%s %.*s", name.data,
	    (int)bus_name_topic(name).size, bus_name_topic(name).data);
}

static inline int on_publish(void *arg, struct slice name, struct slice data)
{
	(void)arg;
	snprintf(fake.bus, sizeof(fake.bus), "!%s %.*s: %.*s", name.data,
	    (int)bus_name_topic(name).size, bus_name_topic(name).data,
	    (int)data.size, data.data);
	return 0;
}

static inline void on_silent(void *arg)
{
	((struct fake *)arg)->silent++;
}

static inline int on_told(void *arg, const struct frame *frame)
{
	((struct fake *)arg)->told = frame->header.type;
	return frame->header.code == 77 ? ERR_PROTOCOL : 0;
}

static inline void stop_loop(struct timer *timer)
{
	(void)timer;
	loop_stop(loop);
}

static inline void stop_soon(struct deferred *deferred)
{
	(void)deferred;
	loop_stop(loop);
}

/* A socket of the same machine brings what was sent in the next round; another one ends
 * what was put off. */
static inline void turn(void)
{
	for (int i = 0; i < 3; i++) {
		struct deferred stop;

		deferred_init(&stop, stop_soon);
		loop_soon(loop, &stop);
		loop_run(loop);
	}
}

/* Until that many wakes of the exchange, or that a host is to be killed. */
static inline void await(const int *count, const uint32_t *pid)
{
	int64_t end_us = clock_us() + WAIT_MS * 1000LL;

	while (*count == 0 && *pid == 0) {
		struct timer later;

		ck_assert_int_lt(clock_us(), end_us);
		timer_init(&later, stop_loop);
		timer_set(&loop->timers, &later, loop->now_ms + 20);
		loop_run(loop);
		timer_cancel(&later);
	}
}

static inline void attach(struct fake *host)
{
	int bytes = SOCKET_BYTES;
	int fds[2];
	int page_fd;
	int reader_fd;

	host->pid++;
	host->in_size = 0;
	host->in_read = 0;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0, fds), 0);
	setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	ck_assert_int_eq(page_create(&page_fd, &reader_fd), 0);
	ck_assert_int_eq(page_map_host(page_fd, &host->page), 0);
	close(page_fd);
	host->fd = fds[0];
	remote_attach(host->remote, host->pid, fds[1], reader_fd);
	turn();
}

/* The process is no more; the master has said so. */
static inline void die(struct fake *host)
{
	close(host->fd);
	host->fd = -1;
	turn();
	remote_died(host->remote, host->pid);
	page_unmap(host->page);
	host->page = NULL;
	turn();
}

static inline void fake_open(struct fake *host, const char *name)
{
	struct remote_ops ops = { .kill = on_kill, .lost = on_lost, .log = on_log,
		.idle = on_idle, .subscribe = on_subscribe,
		.unsubscribe = on_unsubscribe, .publish = on_publish,
		.silent = on_silent, .told = on_told, .arg = host };
	struct open_message message = { .pattern = "/*", .directory = "/",
		.where = "routes[0]" };

	memset(host, 0, sizeof(*host));
	buffer_init(&host->out, 64 << 20);
	settings_init(&message.settings);
	host->remote = remote_new(loop, &ops, name);
	ck_assert_int_eq(remote_open(host->remote, &message, &host->instance), 0);
	attach(host);
}

static inline void fake_close(struct fake *host)
{
	remote_free(host->remote);
	loop_run_deferred(loop);
	if (host->fd >= 0) {
		close(host->fd);
	}
	page_unmap(host->page);
	buffer_release(&host->out);
}

static inline int count_open(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int count = 0;

	ck_assert_ptr_nonnull(folder);
	while (readdir(folder) != NULL) {
		count++;
	}
	closedir(folder);
	return count;
}

static inline void set_up(void)
{
	open_before = count_open();
	memset(&call, 0, sizeof(call));
	loop = loop_new();
	fake_open(&fake, "bad");
	fake_open(&other, "good");
}

static inline void tear_down(void)
{
	fake_close(&fake);
	fake_close(&other);
	loop_free(loop);
	ck_assert_int_eq(count_open(), open_before);
}

/* Sends the bytes, with a descriptor if fd is none of -1. */
static inline void send_bytes(struct fake *host, const void *data, size_t size, int fd)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec part = { (void *)data, size };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (fd >= 0) {
		struct cmsghdr *c = (struct cmsghdr *)control;

		message.msg_control = control;
		message.msg_controllen = sizeof(control);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	ck_assert_int_eq(sendmsg(host->fd, &message, MSG_NOSIGNAL), size);
}

static inline void flush(struct fake *host)
{
	struct slice bytes = buffer_slice(&host->out);

	send_bytes(host, bytes.data, bytes.size, -1);
	buffer_reset(&host->out);
	turn();
}

static inline void say(struct fake *host, enum frame_type type, uint8_t flags,
    uint16_t code, uint64_t id, struct slice payload)
{
	ck_assert_int_eq(frame_append(&host->out, type, flags, code, id, payload), 0);
}

/* The next frame from the worker; false if there is none. */
static inline bool hear(struct fake *host, struct frame *frame)
{
	struct slice rest;
	ssize_t got = recv(host->fd, host->in + host->in_size,
	    sizeof(host->in) - host->in_size, 0);

	host->in_size += got > 0 ? (size_t)got : 0;
	rest = (struct slice){ host->in + host->in_read,
		host->in_size - host->in_read };
	if (frame_next(&rest, frame) != 0) {
		return false;
	}
	host->in_read = host->in_size - rest.size;
	return true;
}

static inline uint64_t expect(struct fake *host, enum frame_type type)
{
	struct frame frame;

	ck_assert(hear(host, &frame));
	ck_assert_int_eq(frame.header.type, type);
	return frame.header.id;
}

static inline void make_call(struct fake *host, struct rig_exchange *exchange,
    uint32_t timeout_ms)
{
	memset(exchange, 0, sizeof(*exchange));
	rig_begin(exchange, HTTP_GET, "/x");
	exchange->exchange.match.pattern = "/*";
	remote_call(host->remote, host->instance, &exchange->exchange, timeout_ms);
	turn();
}

/* A call that the host has begun: its id. */
static inline uint64_t begin(struct fake *host, struct rig_exchange *exchange)
{
	uint64_t id;
	struct frame frame;

	make_call(host, exchange, TIMEOUT_MS);
	do {
		ck_assert(hear(host, &frame));
		id = frame.header.id;
	} while (frame.header.type != FRAME_REQUEST);
	atomic_store(&host->page->running, id);
	return id;
}

/* Packs a reply, or the start of one, as a host does. */
static inline void pack_reply(struct fake *host, uint64_t id, const char *text)
{
	struct rig_exchange exchange = { 0 };

	rig_begin(&exchange, HTTP_GET, "/x");
	ck_assert_int_eq(exchange_reply(&exchange.exchange, 200, "text/plain", text,
	    strlen(text)), 0);
	ck_assert_int_eq(reply_pack(&host->out, id, &exchange.exchange), 0);
	rig_end(&exchange);
}

static inline void pack_start(struct fake *host, uint64_t id, const char *length)
{
	struct rig_exchange exchange = { 0 };

	rig_begin(&exchange, HTTP_GET, "/x");
	ck_assert_int_eq(exchange_set_header(&exchange.exchange, "content-length",
	    length), 0);
	ck_assert_int_eq(exchange_start(&exchange.exchange, 200, "text/plain"), 0);
	ck_assert_int_eq(reply_pack_start(&host->out, id, &exchange.exchange), 0);
	rig_end(&exchange);
}

static inline void pack_end(struct fake *host, uint64_t id)
{
	say(host, FRAME_END, 0, 0, id, (struct slice){ "\0\0\0\0", 4 });
}

/* As pack_head has it: the length, then one field. */
static inline void say_fields(struct fake *host, enum frame_type type, uint16_t status,
    uint64_t id, uint64_t length, const char *name, const char *value)
{
	size_t mark;

	ck_assert_int_eq(frame_begin(&host->out, type, status, id, &mark), 0);
	if (type != FRAME_END) {
		ck_assert_int_eq(pack_u64(&host->out, length), 0);
	}
	ck_assert_int_eq(pack_u32(&host->out, 1), 0);
	ck_assert_int_eq(pack_text(&host->out, slice_of(name)), 0);
	ck_assert_int_eq(pack_text(&host->out, slice_of(value)), 0);
	if (type == FRAME_REPLY) {
		ck_assert_int_eq(pack_text(&host->out, SLICE("hello")), 0);
	}
	ck_assert_int_eq(frame_end(&host->out, mark, 0), 0);
}

static inline void send_file(struct fake *host, uint64_t id, int fd, int64_t offset,
    int64_t size)
{
	int64_t range[2] = { offset, size };
	struct slice bytes;

	say(host, FRAME_FILE, 0, 0, id,
	    (struct slice){ (const char *)range, sizeof(range) });
	bytes = buffer_slice(&host->out);
	send_bytes(host, bytes.data, bytes.size, fd);
	buffer_reset(&host->out);
	turn();
}

static inline int make_file(const char *text)
{
	int fd = memfd_create("tincan-test", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), strlen(text));
	return fd;
}

static inline void check_status(const struct rig_exchange *exchange, int status)
{
	ck_assert_int_eq(exchange->exchange.state, EXCHANGE_ENDED);
	ck_assert_int_eq(exchange->exchange.reply.status, status);
}

/* Its next process gets the request that waits, and answers it. */
static inline void check_next_answers(struct fake *host,
    const struct rig_exchange *exchange)
{
	attach(host);
	expect(host, FRAME_OPEN);
	pack_reply(host, expect(host, FRAME_REQUEST), "hello");
	flush(host);
	check_status(exchange, 200);
}

static inline void check_works(struct fake *host)
{
	struct rig_exchange next;
	uint64_t id = begin(host, &next);

	pack_reply(host, id, "still here");
	flush(host);
	check_status(&next, 200);
	rig_end(&next);
}

#endif
