/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as what a host says to its worker, who has four calls under way: one that
 * the host has begun, one for a HEAD, one whose client has left, one whose body comes
 * as the host lets it; two of a filter, with a short reply behind it and with one that
 * goes on; and the peers of peers.h. At the end each has an answer, whatever the host
 * said, and nothing is left behind.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exchange/stage.h"
#include "ipc/bus_ring.h"
#include "ipc/page.h"
#include "peers.h"
#include "remote/remote.h"

#define CALLS 4
#define UPLOAD 3		/* the one with a body */
#define UPLOAD_MOST 1000000
#define FILTERED 2		/* calls of a filter: */
#define FILTERED_LONG 1		/* this one's reply from behind goes on */
#define CHUNK_BYTES 4096	/* sent at a time: the socket has room for it */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct loop *loop;
static struct exchange calls[CALLS];
static struct exchange upgrade;

/* A request that the filter has, and what is behind it. */
static struct filtered {
	struct exchange outer;
	struct exchange inner;
	struct stage stage;
	bool moved;
} filtered[FILTERED];

static void require(bool holds)
{
	if (!holds) {
		abort();
	}
}

static void on_pid(void *arg, uint32_t pid)
{
	(void)arg;
	require(pid == 1);
}

static void on_log(int level, const char *handler, const char *request, const char *text,
    size_t size)
{
	static volatile size_t read;

	(void)level;
	require(handler != NULL && (request == NULL || request[0] == '0'));
	/* For a sanitizer: every byte is there. */
	read = strnlen(text, size);
	(void)read;
}

static void on_idle(void *arg, struct remote *remote)
{
	(void)arg;
	require(remote_idle(remote));
}

static int on_subscribe(void *arg, struct slice name)
{
	(void)arg;
	require(bus_name_is_valid(name) && strcmp(name.data, "fuzz") == 0);
	return 0;
}

static void on_unsubscribe(void *arg, struct slice name)
{
	(void)on_subscribe(arg, name);
}

static int on_publish(void *arg, struct slice name, struct slice data)
{
	require(data.size <= BUS_DATA_MAX && data.data[data.size] == '\0');
	return on_subscribe(arg, name);
}

static void on_silent(void *arg)
{
	(void)arg;
}

static void on_wake(struct exchange *exchange)
{
	require(exchange->state != EXCHANGE_OPEN || upload_wants(exchange));
}

static const char *on_info(const struct exchange *exchange, const char *key)
{
	(void)exchange;
	(void)key;
	return NULL;
}

static void stop(struct deferred *deferred)
{
	(void)deferred;
	loop_stop(loop);
}

static void turn(void)
{
	struct deferred soon;

	deferred_init(&soon, stop);
	loop_soon(loop, &soon);
	loop_run(loop);
}

static void make_request(struct exchange *exchange, enum http_method method)
{
	static const struct exchange_ops ops = { .wake = on_wake, .info = on_info };

	exchange_init(exchange, &ops, NULL);
	request_init(&exchange->request, &exchange->arena, 8192, 64);
	buffer_init(&exchange->body, 4096);
	exchange->request.method_id = method;
	exchange->request.method = slice_of(http_method_name(method));
	exchange->request.target = SLICE("/x");
	exchange->request.path = SLICE("/x");
	exchange->match.pattern = "/*";
	memcpy(exchange->id, "0000000000000001", 17);
}

static void begin(struct remote *remote, struct exchange *exchange,
    enum http_method method, uint32_t instance)
{
	make_request(exchange, method);
	remote_call(remote, instance, exchange, 60000);
}

static void begin_upload(struct remote *remote, uint32_t instance)
{
	struct exchange *exchange = &calls[UPLOAD];

	make_request(exchange, HTTP_POST);
	upload_begin(exchange, UPLOAD_MOST);
	remote_call(remote, instance, exchange, 60000);
}

/* A client that sends on as long as it is let. */
static void upload(void)
{
	static const char bytes[FRAME_DATA_MAX];
	struct exchange *exchange = &calls[UPLOAD];
	const char *reason;
	int status = 0;

	upload_go_on(exchange);
	for (size_t i = 0; i < 8 && status == 0 && upload_awaits(exchange); i++) {
		status = upload_feed(exchange, (struct slice){ bytes, sizeof(bytes) },
		    i == 7, &reason);
	}
	if (status != 0) {
		exchange_overrule(exchange, status, reason);
	}
}

/* What a client gets: as many bytes as were promised, or a broken connection. */
static void take(struct exchange *exchange)
{
	char scratch[512];
	struct slice part;
	int64_t taken = 0;
	int rc;

	require(exchange->state == EXCHANGE_ENDED ||
	    exchange->state == EXCHANGE_BROKEN);
	while ((rc = pieces_peek(&exchange->pieces, scratch, sizeof(scratch), &part)) ==
	    0) {
		taken += (int64_t)part.size;
		pieces_consume(&exchange->pieces, part.size);
	}
	if (exchange->state == EXCHANGE_ENDED && rc == ERR_EOF) {
		require(exchange->reply.status >= 200 && exchange->reply.status <= 599);
		require(exchange->request.method_id == HTTP_HEAD ||
		    exchange->reply.content_length < 0 ||
		    exchange->reply.status == 304 ||
		    taken == exchange->reply.content_length);
	}
}

static void on_moved(struct stage *stage)
{
	LIST_OWNER(stage, struct filtered, stage)->moved = true;
}

/* What is behind it answers at once, or has begun to. */
static void on_next(struct stage *stage)
{
	struct filtered *call = LIST_OWNER(stage, struct filtered, stage);

	stage_enter(stage, &call->inner);
	if (call == &filtered[FILTERED_LONG]) {
		exchange_hold(&call->inner, NULL);
		require(exchange_start(&call->inner, 200, "text/plain") == 0);
	} else {
		require(exchange_reply(&call->inner, 200, NULL, "hello", 5) == 0);
	}
}

static const struct stage_ops stage_ops = { .wake = on_moved, .rest = on_moved,
	.next = on_next };

static void begin_filtered(struct remote *remote, uint32_t instance)
{
	for (size_t i = 0; i < FILTERED; i++) {
		filtered[i].moved = false;
		make_request(&filtered[i].outer, HTTP_GET);
		stage_init(&filtered[i].stage, &filtered[i].outer, &stage_ops, NULL);
		remote_call(remote, instance, &filtered[i].outer, 60000);
	}
}

static bool run_filtered(void)
{
	bool moved = false;

	for (size_t i = 0; i < FILTERED; i++) {
		if (filtered[i].moved) {
			filtered[i].moved = false;
			moved = true;
			stage_run(&filtered[i].stage);
		}
	}
	return moved;
}

/* What is behind goes on. */
static void move_filtered(void)
{
	static const char bytes[FRAME_DATA_MAX];
	struct exchange *inner = &filtered[FILTERED_LONG].inner;

	if (inner->state == EXCHANGE_STARTED) {
		(void)!exchange_write(inner, bytes, sizeof(bytes));
	}
	for (int i = 0; i < 1000 && run_filtered(); i++) {
	}
	require(!run_filtered());
}

static void end_filtered(void)
{
	struct exchange *inner = &filtered[FILTERED_LONG].inner;

	if (inner->held) {
		(void)!exchange_abort(inner);
	}
	move_filtered();
	for (size_t i = 0; i < FILTERED; i++) {
		take(&filtered[i].outer);
		stage_release(&filtered[i].stage);
		exchange_release(&filtered[i].outer);
		exchange_release(&filtered[i].inner);
	}
}

static void begin_peers(struct remote *remote, uint32_t instance)
{
	make_request(&upgrade, HTTP_GET);
	peer_connect(&peers[0], remote, instance, NULL);
	peer_connect(&peers[1], remote, instance, &upgrade);
	peer_connect(&peers[2], remote, instance, NULL);
	peer_leave(&peers[2]);
}

/* Each of those that have not left has an answer, and is no more the handler's. */
static void end_peers(void)
{
	require(peers[0].answered && peers[1].answered && !peers[2].answered);
	for (size_t i = 0; i < PEERS; i++) {
		require(peers[i].duplex.handler_ops == NULL);
		require(peers[i].duplex.state >= DUPLEX_CLOSING);
	}
	exchange_release(&upgrade);
}

static struct remote *make_remote(int socket_fd, int page_fd)
{
	struct remote_ops ops = { .kill = on_pid, .lost = on_pid, .log = on_log,
		.idle = on_idle, .subscribe = on_subscribe,
		.unsubscribe = on_unsubscribe, .publish = on_publish,
		.silent = on_silent };
	struct open_message open = { .pattern = "/*", .directory = "/", .where = "here" };
	struct remote *remote = remote_new(loop, &ops, "fuzz");
	uint32_t instance;

	settings_init(&open.settings);
	require(remote_open(remote, &open, &instance) == 0);
	remote_attach(remote, 1, socket_fd, page_fd);
	begin(remote, &calls[0], HTTP_GET, instance);
	begin(remote, &calls[1], HTTP_HEAD, instance);
	begin(remote, &calls[2], HTTP_GET, instance);
	exchange_reset(&calls[2]);
	begin_peers(remote, instance);
	begin_upload(remote, instance);
	begin_filtered(remote, instance);
	return remote;
}

/* With the first byte of each part goes a descriptor, for a FILE that may come. */
static void feed(int fd, int file, const uint8_t *data, size_t size)
{
	while (size > 0) {
		_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
		size_t part = size < CHUNK_BYTES ? size : CHUNK_BYTES;
		struct iovec bytes = { (void *)data, part };
		struct msghdr message = { .msg_iov = &bytes, .msg_iovlen = 1,
			.msg_control = control, .msg_controllen = sizeof(control) };
		struct cmsghdr *c = (struct cmsghdr *)control;

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(file));
		memcpy(CMSG_DATA(c), &file, sizeof(file));
		(void)!sendmsg(fd, &message, MSG_NOSIGNAL);
		turn();
		upload();
		move_filtered();
		peer_take(&peers[0]);
		peer_take(&peers[1]);
		data += part;
		size -= part;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int file = memfd_create("tincan-fuzz", MFD_CLOEXEC);
	struct remote *remote;
	struct page *page;
	int fds[2];
	int page_fd;
	int reader_fd;

	loop = loop_new();
	require(file >= 0 && write(file, "0123456789", 10) == 10);
	require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	require(page_create(&page_fd, &reader_fd) == 0);
	require(page_map_host(page_fd, &page) == 0);
	close(page_fd);
	remote = make_remote(fds[1], reader_fd);
	turn();
	/* The first call, as remote/call.c numbers them. */
	atomic_store(&page->running, (uint64_t)1 << 16);
	feed(fds[0], file, data, size);
	close(fds[0]);
	remote_died(remote, 1);
	remote_break(remote, 1);
	end_filtered();
	end_peers();
	take(&calls[0]);
	take(&calls[1]);
	take(&calls[UPLOAD]);
	for (size_t i = 0; i < CALLS; i++) {
		exchange_release(&calls[i]);
	}
	remote_free(remote);
	loop_run_deferred(loop);
	loop_free(loop);
	page_unmap(page);
	close(file);
	return 0;
}
