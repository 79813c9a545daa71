/* SPDX-License-Identifier: MIT */
/*
 * A worker's view of a plugin that runs in a host. The host is this test: it sits at the
 * other end of the socket, writes the page, and says what no real one would.
 */
#include "remote/remote.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "ipc/frame.h"
#include "ipc/pack.h"
#include "ipc/page.h"
#include "remote/reply.h"
#include "rig.h"
#include "unit.h"

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
	char said[256];
};

static struct loop *loop;
static struct fake fake;
static struct fake other;	/* of a plugin that is well behaved */
static struct rig_exchange call;
static int open_before;

static void on_kill(void *arg, uint32_t pid)
{
	((struct fake *)arg)->killed = pid;
}

static void on_lost(void *arg, uint32_t pid)
{
	ck_assert_uint_eq(pid, ((struct fake *)arg)->pid);
	((struct fake *)arg)->lost++;
}

static void on_log(int level, const char *handler, const char *request, const char *text,
    size_t size)
{
	snprintf(fake.said, sizeof(fake.said), "%d %s %s: %.*s", level, handler,
	    request == NULL ? "-" : request, (int)size, text);
}

static void on_idle(void *arg, struct remote *remote)
{
	((struct fake *)arg)->idle++;
	ck_assert(remote_idle(remote));
}

static void stop_loop(struct timer *timer)
{
	(void)timer;
	loop_stop(loop);
}

static void stop_soon(struct deferred *deferred)
{
	(void)deferred;
	loop_stop(loop);
}

/* A socket of the same machine brings what was sent in the next round; another one ends
 * what was put off. */
static void turn(void)
{
	for (int i = 0; i < 3; i++) {
		struct deferred stop;

		deferred_init(&stop, stop_soon);
		loop_soon(loop, &stop);
		loop_run(loop);
	}
}

/* Until that many wakes of the exchange, or that a host is to be killed. */
static void await(const int *count, const uint32_t *pid)
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

static void attach(struct fake *host)
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
static void die(struct fake *host)
{
	close(host->fd);
	host->fd = -1;
	turn();
	remote_died(host->remote, host->pid);
	page_unmap(host->page);
	host->page = NULL;
	turn();
}

static void fake_open(struct fake *host, const char *name)
{
	struct remote_ops ops = { .kill = on_kill, .lost = on_lost, .log = on_log,
		.idle = on_idle, .arg = host };
	struct open_message message = { .pattern = "/*", .directory = "/",
		.where = "routes[0]" };

	memset(host, 0, sizeof(*host));
	buffer_init(&host->out, 64 << 20);
	settings_init(&message.settings);
	host->remote = remote_new(loop, &ops, 1, name);
	ck_assert_int_eq(remote_open(host->remote, &message, &host->instance), 0);
	attach(host);
}

static void fake_close(struct fake *host)
{
	remote_free(host->remote);
	loop_run_deferred(loop);
	if (host->fd >= 0) {
		close(host->fd);
	}
	page_unmap(host->page);
	buffer_release(&host->out);
}

static int count_open(void)
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

static void set_up(void)
{
	open_before = count_open();
	loop = loop_new();
	fake_open(&fake, "bad");
	fake_open(&other, "good");
}

static void tear_down(void)
{
	fake_close(&fake);
	fake_close(&other);
	loop_free(loop);
	ck_assert_int_eq(count_open(), open_before);
}

/* Sends the bytes, with a descriptor if fd is none of -1. */
static void send_bytes(struct fake *host, const void *data, size_t size, int fd)
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

static void flush(struct fake *host)
{
	struct slice bytes = buffer_slice(&host->out);

	send_bytes(host, bytes.data, bytes.size, -1);
	buffer_reset(&host->out);
	turn();
}

static void say(struct fake *host, enum frame_type type, uint8_t flags, uint16_t code,
    uint64_t id, struct slice payload)
{
	ck_assert_int_eq(frame_append(&host->out, type, flags, code, id, payload), 0);
}

/* The next frame from the worker; false if there is none. */
static bool hear(struct fake *host, struct frame *frame)
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

static uint64_t expect(struct fake *host, enum frame_type type)
{
	struct frame frame;

	ck_assert(hear(host, &frame));
	ck_assert_int_eq(frame.header.type, type);
	return frame.header.id;
}

static void make_call(struct fake *host, struct rig_exchange *exchange,
    uint32_t timeout_ms)
{
	memset(exchange, 0, sizeof(*exchange));
	rig_begin(exchange, HTTP_GET, "/x");
	exchange->exchange.match.pattern = "/*";
	remote_call(host->remote, host->instance, &exchange->exchange, timeout_ms);
	turn();
}

/* A call that the host has begun: its id. */
static uint64_t begin(struct fake *host, struct rig_exchange *exchange)
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
static void pack_reply(struct fake *host, uint64_t id, const char *text)
{
	struct rig_exchange exchange = { 0 };

	rig_begin(&exchange, HTTP_GET, "/x");
	ck_assert_int_eq(exchange_reply(&exchange.exchange, 200, "text/plain", text,
	    strlen(text)), 0);
	ck_assert_int_eq(reply_pack(&host->out, id, &exchange.exchange), 0);
	rig_end(&exchange);
}

static void pack_start(struct fake *host, uint64_t id, const char *length)
{
	struct rig_exchange exchange = { 0 };

	rig_begin(&exchange, HTTP_GET, "/x");
	ck_assert_int_eq(exchange_set_header(&exchange.exchange, "content-length",
	    length), 0);
	ck_assert_int_eq(exchange_start(&exchange.exchange, 200, "text/plain"), 0);
	ck_assert_int_eq(reply_pack_start(&host->out, id, &exchange.exchange), 0);
	rig_end(&exchange);
}

static void pack_end(struct fake *host, uint64_t id)
{
	say(host, FRAME_END, 0, 0, id, (struct slice){ "\0\0\0\0", 4 });
}

/* As pack_head has it: the length, then one field. */
static void say_fields(struct fake *host, enum frame_type type, uint16_t status,
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

static void send_file(struct fake *host, uint64_t id, int fd, int64_t offset,
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

static int make_file(const char *text)
{
	int fd = memfd_create("tincan-test", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), strlen(text));
	return fd;
}

static void check_status(const struct rig_exchange *exchange, int status)
{
	ck_assert_int_eq(exchange->exchange.state, EXCHANGE_ENDED);
	ck_assert_int_eq(exchange->exchange.reply.status, status);
}

START_TEST(brings_back_a_whole_reply)
{
	uint64_t id = begin(&fake, &call);

	pack_reply(&fake, id, "hello");
	flush(&fake);
	check_status(&call, 200);
	ck_assert_str_eq(rig_body(&call), "hello");
	ck_assert_str_eq(rig_header(&call, "content-type"), "text/plain");
	rig_end(&call);
}
END_TEST

START_TEST(brings_back_a_reply_in_parts)
{
	uint64_t id = begin(&fake, &call);
	int fd = make_file("0123456789");

	pack_start(&fake, id, "12");
	say(&fake, FRAME_DATA, 0, 0, id, SLICE("hello"));
	flush(&fake);
	ck_assert_int_eq(call.exchange.state, EXCHANGE_STARTED);
	send_file(&fake, id, fd, 2, 4);
	close(fd);
	say(&fake, FRAME_DATA, 0, 0, id, SLICE("you"));
	pack_end(&fake, id);
	flush(&fake);
	check_status(&call, 200);
	ck_assert_str_eq(rig_body(&call), "hello2345you");
	rig_end(&call);
}
END_TEST

START_TEST(a_frame_may_come_in_single_bytes)
{
	uint64_t id = begin(&fake, &call);

	pack_reply(&fake, id, "hello");
	for (struct slice rest = buffer_slice(&fake.out); rest.size > 0;
	     slice_skip(&rest, 1)) {
		ck_assert_int_eq(call.exchange.state, EXCHANGE_OPEN);
		send_bytes(&fake, rest.data, 1, -1);
		turn();
	}
	check_status(&call, 200);
	rig_end(&call);
}
END_TEST

START_TEST(what_the_client_took_may_be_sent_again)
{
	uint64_t id = begin(&fake, &call);
	struct frame frame;
	uint32_t more;

	pack_start(&fake, id, "10");
	say(&fake, FRAME_DATA, 0, 0, id, SLICE("hello"));
	flush(&fake);
	ck_assert(!hear(&fake, &frame));
	rig_take(&call);
	turn();
	ck_assert(hear(&fake, &frame));
	ck_assert_int_eq(frame.header.type, FRAME_WINDOW_MORE);
	ck_assert_uint_eq(frame.header.id, id);
	ck_assert_uint_eq(frame.payload.size, sizeof(more));
	memcpy(&more, frame.payload.data, sizeof(more));
	ck_assert_uint_eq(more, 5);
	rig_end(&call);
}
END_TEST

/* What a host may say that breaks the rules, in reply to the call of that id. */

static void say_short_frame(uint64_t id)
{
	struct frame_header header = { .size = sizeof(header) - 1, .type = FRAME_LOG,
		.id = id };

	ck_assert_int_eq(buffer_append(&fake.out, &header, sizeof(header)), 0);
}

static void say_long_frame(uint64_t id)
{
	struct frame_header header = { .size = FRAME_MAX + 1, .type = FRAME_LOG,
		.id = id };

	ck_assert_int_eq(buffer_append(&fake.out, &header, sizeof(header)), 0);
}

static void say_longest_frame(uint64_t id)
{
	struct frame_header header = { .size = UINT32_MAX, .type = FRAME_LOG, .id = id };

	ck_assert_int_eq(buffer_append(&fake.out, &header, sizeof(header)), 0);
}

static void say_no_type(uint64_t id)
{
	say(&fake, 0, 0, 0, id, SLICE(""));
}

static void say_unknown_type(uint64_t id)
{
	say(&fake, 255, 0, 0, id, SLICE(""));
}

static void say_what_peers_say(uint64_t id)
{
	say(&fake, FRAME_REQUEST, 0, 0, id, SLICE(""));
}

static void say_checked(uint64_t id)
{
	say(&fake, FRAME_CHECKED, 0, 0, id, SLICE(""));
}

static void reply_to_nothing(uint64_t id)
{
	(void)id;
	pack_reply(&fake, 0, "hello");
}

static void reply_to_another_slot(uint64_t id)
{
	pack_reply(&fake, id ^ 1, "hello");
}

static void reply_past_the_slots(uint64_t id)
{
	pack_reply(&fake, id | 0xffff, "hello");
}

static void reply_to_an_older_call(uint64_t id)
{
	pack_reply(&fake, id - (1 << 16), "hello");
}

static void data_before_start(uint64_t id)
{
	say(&fake, FRAME_DATA, 0, 0, id, SLICE("hello"));
}

static void file_before_start(uint64_t id)
{
	int fd = make_file("hello");

	send_file(&fake, id, fd, 0, 5);
	close(fd);
}

static void end_before_start(uint64_t id)
{
	pack_end(&fake, id);
}

static void start_twice(uint64_t id)
{
	pack_start(&fake, id, "5");
	pack_start(&fake, id, "5");
}

static void reply_after_start(uint64_t id)
{
	pack_start(&fake, id, "5");
	pack_reply(&fake, id, "hello");
}

static void data_past_the_length(uint64_t id)
{
	pack_start(&fake, id, "5");
	say(&fake, FRAME_DATA, 0, 0, id, SLICE("hello!"));
}

static void data_past_the_window(uint64_t id)
{
	static char bytes[FRAME_DATA_MAX];

	pack_start(&fake, id, "100000000");
	for (int i = 0; i <= FRAME_WINDOW / FRAME_DATA_MAX; i++) {
		say(&fake, FRAME_DATA, 0, 0, id, (struct slice){ bytes, sizeof(bytes) });
	}
}

static void file_without_descriptor(uint64_t id)
{
	pack_start(&fake, id, "5");
	flush(&fake);
	send_file(&fake, id, -1, 0, 5);
}

static void file_that_is_a_pipe(uint64_t id)
{
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	pack_start(&fake, id, "5");
	flush(&fake);
	send_file(&fake, id, fds[0], 0, 5);
	close(fds[0]);
	close(fds[1]);
}

static void file_of_a_folder(uint64_t id)
{
	int fd = open("/", O_RDONLY | O_CLOEXEC);

	pack_start(&fake, id, "5");
	flush(&fake);
	send_file(&fake, id, fd, 0, 5);
	close(fd);
}

static void send_range(uint64_t id, int64_t offset, int64_t size)
{
	int fd = make_file("hello");

	pack_start(&fake, id, "5");
	flush(&fake);
	send_file(&fake, id, fd, offset, size);
	close(fd);
}

static void file_before_its_begin(uint64_t id)
{
	send_range(id, -1, 5);
}

static void file_of_negative_size(uint64_t id)
{
	send_range(id, 0, -5);
}

static void file_past_all_offsets(uint64_t id)
{
	send_range(id, INT64_MAX, 5);
}

static void file_past_the_length(uint64_t id)
{
	send_range(id, 0, 6);
}

static void file_without_a_range(uint64_t id)
{
	int fd = make_file("hello");
	struct slice bytes;

	pack_start(&fake, id, "5");
	flush(&fake);
	say(&fake, FRAME_FILE, 0, 0, id, SLICE("12345678"));
	bytes = buffer_slice(&fake.out);
	send_bytes(&fake, bytes.data, bytes.size, fd);
	buffer_reset(&fake.out);
	close(fd);
	turn();
}

static void start_of_impossible_length(uint64_t id)
{
	say_fields(&fake, FRAME_START, 200, id, (uint64_t)INT64_MAX + 1, "a", "b");
}

static void start_of_no_status(uint64_t id)
{
	say_fields(&fake, FRAME_START, 199, id, 5, "a", "b");
}

static void start_of_nothing(uint64_t id)
{
	say(&fake, FRAME_START, 0, 200, id, SLICE(""));
}

static void end_with_a_forbidden_field(uint64_t id)
{
	pack_start(&fake, id, "0");
	say_fields(&fake, FRAME_END, 0, id, 0, "content-length", "5");
}

static void end_of_nothing(uint64_t id)
{
	pack_start(&fake, id, "0");
	say(&fake, FRAME_END, 0, 0, id, SLICE(""));
}

static void end_too_early(uint64_t id)
{
	pack_start(&fake, id, "5");
	pack_end(&fake, id);
}

static void reply_of_no_status(uint64_t id)
{
	say_fields(&fake, FRAME_REPLY, 600, id, 5, "a", "b");
}

static void reply_with_a_line_end(uint64_t id)
{
	say_fields(&fake, FRAME_REPLY, 200, id, 5, "a", "b\r\nc: d");
}

static void reply_with_a_blank_name(uint64_t id)
{
	say_fields(&fake, FRAME_REPLY, 200, id, 5, "a b", "c");
}

static void reply_with_framing(uint64_t id)
{
	say_fields(&fake, FRAME_REPLY, 200, id, 5, "transfer-encoding", "chunked");
}

static void reply_of_two_lengths(uint64_t id)
{
	say_fields(&fake, FRAME_REPLY, 200, id, 5, "content-length", "6");
}

static void reply_of_wrong_length(uint64_t id)
{
	say_fields(&fake, FRAME_REPLY, 200, id, 6, "a", "b");
}

static void reply_of_nothing(uint64_t id)
{
	say(&fake, FRAME_REPLY, 0, 200, id, SLICE(""));
}

static void reply_of_many_fields(uint64_t id)
{
	/* As many as a number can say, and none of them. */
	say(&fake, FRAME_REPLY, 0, 200, id,
	    (struct slice){ "\5\0\0\0\0\0\0\0\xff\xff\xff\xff", 12 });
}

static void reply_that_calls_itself_cut(uint64_t id)
{
	say(&fake, FRAME_REPLY, FRAME_BROKEN, 200, id, SLICE("?"));
}

static void (*const offences[])(uint64_t id) = {
	say_short_frame, say_long_frame, say_longest_frame, say_no_type,
	say_unknown_type, say_what_peers_say, say_checked, reply_to_nothing,
	reply_to_another_slot, reply_past_the_slots, reply_to_an_older_call,
	data_before_start, file_before_start, end_before_start, start_twice,
	reply_after_start, data_past_the_length, data_past_the_window,
	file_without_descriptor, file_that_is_a_pipe, file_of_a_folder,
	file_before_its_begin, file_of_negative_size, file_past_all_offsets,
	file_past_the_length, file_without_a_range, start_of_impossible_length,
	start_of_no_status, start_of_nothing, end_with_a_forbidden_field,
	end_of_nothing, end_too_early, reply_of_no_status, reply_with_a_line_end,
	reply_with_a_blank_name, reply_with_framing, reply_of_two_lengths,
	reply_of_wrong_length, reply_of_nothing, reply_of_many_fields,
	reply_that_calls_itself_cut,
};

#define OFFENCES ((int)(sizeof(offences) / sizeof(offences[0])))

static void check_works(struct fake *host)
{
	struct rig_exchange next;
	uint64_t id = begin(host, &next);

	pack_reply(host, id, "still here");
	flush(host);
	check_status(&next, 200);
	rig_end(&next);
}

START_TEST(a_breach_of_the_protocol_ends_that_host_alone)
{
	uint64_t id = begin(&fake, &call);

	offences[_i](id);
	if (fake.out.size > 0) {
		flush(&fake);
	}
	ck_assert_int_eq(fake.lost, 1);
	ck_assert_str_eq(fake.said,
	    "4 bad -: its process broke the protocol and is ended");
	die(&fake);
	if (call.exchange.state != EXCHANGE_BROKEN) {
		check_status(&call, 502);
		ck_assert_ptr_nonnull(strstr(rig_body(&call), "502 Bad Gateway"));
	}
	rig_end(&call);
	attach(&fake);
	check_works(&fake);
	check_works(&other);
	ck_assert_int_eq(other.lost, 0);
}
END_TEST

START_TEST(a_second_reply_is_a_breach_but_the_first_one_counts)
{
	uint64_t id = begin(&fake, &call);

	pack_reply(&fake, id, "hello");
	pack_reply(&fake, id, "hello");
	flush(&fake);
	check_status(&call, 200);
	ck_assert_str_eq(rig_body(&call), "hello");
	ck_assert_int_eq(fake.lost, 1);
	rig_end(&call);
}
END_TEST

START_TEST(a_reply_cut_on_purpose_is_no_breach)
{
	uint64_t id = begin(&fake, &call);

	pack_start(&fake, id, "5");
	say(&fake, FRAME_END, FRAME_BROKEN, 0, id, (struct slice){ "\0\0\0\0", 4 });
	flush(&fake);
	ck_assert_int_eq(call.exchange.state, EXCHANGE_BROKEN);
	ck_assert_int_eq(fake.lost, 0);
	rig_end(&call);
	check_works(&fake);
}
END_TEST

START_TEST(descriptors_that_nobody_asked_for_are_closed)
{
	int fd = make_file("hello");

	for (int i = 0; i < 100; i++) {
		say(&fake, FRAME_LOG, 0, 2, 0, SLICE("take this"));
		send_bytes(&fake, fake.out.data, fake.out.size, fd);
		buffer_reset(&fake.out);
		turn();
	}
	close(fd);
	ck_assert_int_eq(fake.lost, 0);
}
END_TEST

START_TEST(a_line_of_the_plugin_has_the_request_it_is_about)
{
	uint64_t id = begin(&fake, &call);

	say(&fake, FRAME_LOG, 0, 3, id, SLICE("so"));
	flush(&fake);
	ck_assert_str_eq(fake.said, "3 bad 00000000deadbeef: so");
	say(&fake, FRAME_LOG, 0, 1, 77, SLICE(""));
	flush(&fake);
	ck_assert_str_eq(fake.said, "1 bad -: ");
	rig_end(&call);
}
END_TEST

START_TEST(who_leaves_is_cancelled_and_the_reply_dropped)
{
	uint64_t id = begin(&fake, &call);

	exchange_reset(&call.exchange);
	turn();
	ck_assert_uint_eq(expect(&fake, FRAME_CANCEL), id);
	/* It may have been on its way. */
	pack_start(&fake, id, "5");
	say(&fake, FRAME_DATA, 0, 0, id, SLICE("hello"));
	pack_end(&fake, id);
	flush(&fake);
	ck_assert_int_eq(fake.lost, 0);
	rig_end(&call);
	check_works(&fake);
}
END_TEST

START_TEST(calls_wait_for_the_first_host)
{
	die(&fake);
	make_call(&fake, &call, TIMEOUT_MS);
	ck_assert_int_eq(call.exchange.state, EXCHANGE_OPEN);
	attach(&fake);
	expect(&fake, FRAME_OPEN);
	pack_reply(&fake, expect(&fake, FRAME_REQUEST), "hello");
	flush(&fake);
	check_status(&call, 200);
	rig_end(&call);
}
END_TEST

START_TEST(only_what_had_begun_is_lost_with_the_host)
{
	struct rig_exchange second;
	uint64_t id = begin(&fake, &call);

	make_call(&fake, &second, TIMEOUT_MS);
	ck_assert_uint_ne(expect(&fake, FRAME_REQUEST), id);
	die(&fake);
	check_status(&call, 502);
	ck_assert_int_eq(second.exchange.state, EXCHANGE_OPEN);
	attach(&fake);
	expect(&fake, FRAME_OPEN);
	pack_reply(&fake, expect(&fake, FRAME_REQUEST), "hello");
	flush(&fake);
	check_status(&second, 200);
	rig_end(&call);
	rig_end(&second);
}
END_TEST

START_TEST(a_reply_that_was_not_sent_is_on_the_page)
{
	uint64_t id = begin(&fake, &call);

	pack_reply(&fake, id, "hello");
	memcpy(fake.page->out, fake.out.data, fake.out.size);
	atomic_store(&fake.page->out_size, (uint32_t)fake.out.size);
	atomic_store(&fake.page->finished, 1);
	atomic_store(&fake.page->running, 0);
	/* Half of it had gone. */
	send_bytes(&fake, fake.out.data, fake.out.size / 2, -1);
	turn();
	die(&fake);
	check_status(&call, 200);
	ck_assert_str_eq(rig_body(&call), "hello");
	rig_end(&call);
}
END_TEST

START_TEST(a_reply_that_is_nowhere_is_not_asked_for_twice)
{
	(void)begin(&fake, &call);
	atomic_store(&fake.page->finished, 1);
	atomic_store(&fake.page->running, 0);
	die(&fake);
	check_status(&call, 502);
	rig_end(&call);
}
END_TEST

START_TEST(nonsense_on_the_page_of_the_dead_hurts_nobody)
{
	static const struct {
		uint64_t base;
		uint32_t size;
		uint64_t finished;
	} cases[] = { { 0, UINT32_MAX, 1 }, { UINT64_MAX, 16, UINT64_MAX },
		{ 0, PAGE_OUT_BYTES, 0 }, { 1, 16, 0 } };

	(void)begin(&fake, &call);
	memset(fake.page->out, 0xff, sizeof(fake.page->out));
	atomic_store(&fake.page->out_base, cases[_i].base);
	atomic_store(&fake.page->out_size, cases[_i].size);
	atomic_store(&fake.page->finished, cases[_i].finished);
	die(&fake);
	check_status(&call, 502);
	rig_end(&call);
}
END_TEST

START_TEST(a_call_sees_so_many_deaths_and_no_more)
{
	make_call(&fake, &call, TIMEOUT_MS);
	for (int i = 0; i < 3; i++) {
		die(&fake);
		ck_assert_int_eq(call.exchange.state, EXCHANGE_OPEN);
		attach(&fake);
	}
	die(&fake);
	check_status(&call, 502);
	rig_end(&call);
}
END_TEST

START_TEST(an_open_breaker_refuses_until_the_next_host)
{
	struct rig_exchange second;

	die(&fake);
	make_call(&fake, &call, TIMEOUT_MS);
	remote_break(fake.remote, 30);
	check_status(&call, 503);
	ck_assert_str_eq(rig_header(&call, "retry-after"), "30");
	make_call(&fake, &second, TIMEOUT_MS);
	check_status(&second, 503);
	rig_end(&call);
	rig_end(&second);
	attach(&fake);
	check_works(&fake);
}
END_TEST

START_TEST(an_instance_that_a_host_refuses_is_asked_of_the_next)
{
	say(&fake, FRAME_OPEN_END, 0, 0, fake.instance, SLICE(""));
	say(&fake, FRAME_OPEN_END, 0, 0, UINT64_MAX, SLICE(""));
	flush(&fake);
	make_call(&fake, &call, TIMEOUT_MS);
	check_status(&call, 503);
	rig_end(&call);
	die(&fake);
	attach(&fake);
	say(&fake, FRAME_OPENED, 0, 0, fake.instance, SLICE(""));
	flush(&fake);
	check_works(&fake);
}
END_TEST

START_TEST(a_full_queue_refuses)
{
	enum { CALLS = 1024 };
	struct rig_exchange *calls = calloc(CALLS + 1, sizeof(*calls));

	ck_assert_ptr_nonnull(calls);
	die(&fake);
	for (int i = 0; i <= CALLS; i++) {
		make_call(&fake, &calls[i], TIMEOUT_MS);
	}
	ck_assert_int_eq(calls[CALLS - 1].exchange.state, EXCHANGE_OPEN);
	check_status(&calls[CALLS], 503);
	for (int i = 0; i <= CALLS; i++) {
		rig_end(&calls[i]);
	}
	free(calls);
	attach(&fake);
	check_works(&fake);
}
END_TEST

START_TEST(a_handler_that_is_late_gets_its_call_a_504)
{
	const uint32_t nobody = 0;
	uint64_t id;

	make_call(&fake, &call, 20);
	expect(&fake, FRAME_OPEN);
	id = expect(&fake, FRAME_REQUEST);
	atomic_store(&fake.page->running, id);
	await(&call.wakes, &nobody);
	check_status(&call, 504);
	ck_assert_uint_eq(fake.killed, 0);
	turn();
	ck_assert_uint_eq(expect(&fake, FRAME_CANCEL), id);
	/* It comes back in the end: the answer comes too late, and that is all. */
	pack_reply(&fake, id, "hello");
	flush(&fake);
	ck_assert_int_eq(fake.lost, 0);
	rig_end(&call);
	check_works(&fake);
}
END_TEST

START_TEST(a_handler_that_never_comes_back_is_killed)
{
	const int never = 0;
	uint64_t id;

	make_call(&fake, &call, 20);
	expect(&fake, FRAME_OPEN);
	id = expect(&fake, FRAME_REQUEST);
	atomic_store(&fake.page->running, id);
	await(&never, &fake.killed);
	ck_assert_uint_eq(fake.killed, fake.pid);
	check_status(&call, 504);
	rig_end(&call);
}
END_TEST

START_TEST(its_end_leaves_no_call_open)
{
	struct rig_exchange second;
	uint64_t id = begin(&other, &call);

	make_call(&other, &second, TIMEOUT_MS);
	pack_start(&other, id, "5");
	flush(&other);
	remote_free(other.remote);
	other.remote = NULL;
	loop_run_deferred(loop);
	ck_assert_int_eq(call.exchange.state, EXCHANGE_BROKEN);
	check_status(&second, 503);
	rig_end(&call);
	rig_end(&second);
}
END_TEST

START_TEST(is_idle_when_its_last_piece_is_with_the_client)
{
	uint64_t id = begin(&fake, &call);

	pack_start(&fake, id, "5");
	say(&fake, FRAME_DATA, 0, 0, id, SLICE("hello"));
	pack_end(&fake, id);
	flush(&fake);
	remote_shut(fake.remote, fake.instance);
	turn();
	expect(&fake, FRAME_SHUT);
	ck_assert_int_eq(fake.idle, 0);
	ck_assert_str_eq(rig_body(&call), "hello");
	ck_assert_int_eq(fake.idle, 1);
	rig_end(&call);
}
END_TEST

static TCase *hostile_case(void)
{
	TCase *hostile = tcase_create("hostile");

	tcase_add_checked_fixture(hostile, set_up, tear_down);
	tcase_add_loop_test(hostile, a_breach_of_the_protocol_ends_that_host_alone, 0,
	    OFFENCES);
	tcase_add_test(hostile, a_second_reply_is_a_breach_but_the_first_one_counts);
	tcase_add_test(hostile, a_reply_cut_on_purpose_is_no_breach);
	tcase_add_test(hostile, descriptors_that_nobody_asked_for_are_closed);
	tcase_add_loop_test(hostile, nonsense_on_the_page_of_the_dead_hurts_nobody, 0, 4);
	return hostile;
}

static TCase *deaths_case(void)
{
	TCase *deaths = tcase_create("deaths");

	tcase_add_checked_fixture(deaths, set_up, tear_down);
	tcase_add_test(deaths, calls_wait_for_the_first_host);
	tcase_add_test(deaths, only_what_had_begun_is_lost_with_the_host);
	tcase_add_test(deaths, a_reply_that_was_not_sent_is_on_the_page);
	tcase_add_test(deaths, a_reply_that_is_nowhere_is_not_asked_for_twice);
	tcase_add_test(deaths, a_call_sees_so_many_deaths_and_no_more);
	tcase_add_test(deaths, an_open_breaker_refuses_until_the_next_host);
	tcase_add_test(deaths, an_instance_that_a_host_refuses_is_asked_of_the_next);
	return deaths;
}

static Suite *suite(void)
{
	Suite *all = suite_create("remote");
	TCase *calls = tcase_create("calls");

	tcase_add_checked_fixture(calls, set_up, tear_down);
	tcase_set_timeout(calls, 60);
	tcase_add_test(calls, brings_back_a_whole_reply);
	tcase_add_test(calls, brings_back_a_reply_in_parts);
	tcase_add_test(calls, a_frame_may_come_in_single_bytes);
	tcase_add_test(calls, what_the_client_took_may_be_sent_again);
	tcase_add_test(calls, a_line_of_the_plugin_has_the_request_it_is_about);
	tcase_add_test(calls, who_leaves_is_cancelled_and_the_reply_dropped);
	tcase_add_test(calls, a_full_queue_refuses);
	tcase_add_test(calls, a_handler_that_is_late_gets_its_call_a_504);
	tcase_add_test(calls, a_handler_that_never_comes_back_is_killed);
	tcase_add_test(calls, its_end_leaves_no_call_open);
	tcase_add_test(calls, is_idle_when_its_last_piece_is_with_the_client);
	suite_add_tcase(all, calls);
	suite_add_tcase(all, deaths_case());
	suite_add_tcase(all, hostile_case());
	return all;
}

int main(void)
{
	return unit_run(suite());
}
