/* SPDX-License-Identifier: MIT */
/*
 * Blocks, as the last part of the path says; the query is a number: of milliseconds, of
 * kilobytes. What waits does so for somebody who opens the fifo that the setting "latch"
 * names, and closes it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <tincan/handler.h>
#include <time.h>
#include <unistd.h>

#define PIECE 65536

struct state {
	const char *latch;
	tc_loop *loop;
	atomic_int running;
	atomic_int released;
};

static void wait_for_latch(struct state *state)
{
	char byte;
	int fd = open(state->latch, O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && read(fd, &byte, 1) < 0) {
		tc_log(TC_ERROR, "the latch is broken");
	}
	close(fd);
}

static int answer(tc_req *r, struct state *state, long number)
{
	const char *name = tc.header(r, "x-name");

	(void)state;
	(void)number;
	tc.set_header(r, "x-kind", "blocking");
	return tc.text(r, 200, tc_printf(r, "%s %s %s, %s over %s\n", tc.method(r),
	    tc.path(r), name == NULL ? "-" : name, tc.info(r, "handler"),
	    tc.info(r, "tls.version")));
}

static int echo(tc_req *r, struct state *state, long number)
{
	size_t size;
	const void *body = tc.body(r, &size);

	(void)state;
	(void)number;
	return tc.reply(r, 200, "text/plain", body, size);
}

static int wait(tc_req *r, struct state *state, long number)
{
	(void)number;
	state->running++;
	wait_for_latch(state);
	state->running--;
	return tc.text(r, 200, "woken\n");
}

static int tell(tc_req *r, struct state *state, long number)
{
	(void)number;
	return tc.text(r, 200, tc_printf(r, "%d running, %d released\n",
	    (int)state->running, (int)state->released));
}

static int nap(tc_req *r, struct state *state, long number)
{
	struct timespec time = { number / 1000, number % 1000 * 1000000 };

	(void)state;
	nanosleep(&time, NULL);
	return tc.text(r, 200, "slept\n");
}

/* That many KB in pieces, as fast as they go; -1: without an end. */
static int stream(tc_req *r, struct state *state, long number)
{
	char *piece = calloc(1, PIECE);
	int result;

	(void)state;
	if (piece == NULL || tc.start(r, 200, "application/octet-stream") != TC_OK) {
		free(piece);
		return TC_FAIL;
	}
	do {
		size_t size = number < 0 || number >= PIECE / 1024 ? PIECE :
		    (size_t)number * 1024;

		result = tc.write(r, piece, size);
		number -= number < 0 ? 0 : (long)size / 1024;
	} while (result == TC_OK && number != 0);
	free(piece);
	tc_log(TC_INFO, "streamed: %d", result);
	tc.add_trailer(r, "x-end", "of it");
	return tc.end(r) == TC_OK ? TC_OK : TC_FAIL;
}

/* Says what it has, and only then waits. */
static int dribble(tc_req *r, struct state *state, long number)
{
	(void)number;
	if (tc.start(r, 200, "text/plain") != TC_OK ||
	    tc.write(r, "first\n", 6) != TC_OK) {
		return TC_FAIL;
	}
	wait_for_latch(state);
	tc.write(r, "last\n", 5);
	return tc.end(r);
}

static void let_go(void *arg)
{
	struct state *state = arg;

	state->released++;
}

static int refer(tc_req *r, struct state *state, long number)
{
	static const char bytes[1 << 20];
	size_t size = (size_t)number * 1024;

	return tc.reply_ref(r, 200, "application/octet-stream", bytes,
	    size < sizeof(bytes) ? size : sizeof(bytes), let_go, state);
}

static int refer_badly(tc_req *r, struct state *state, long number)
{
	static const char bytes[1];
	int result = tc.reply_ref(r, 700, NULL, bytes, 1, let_go, state);

	(void)number;
	return tc.text(r, 200, tc_printf(r, "%d\n", result));
}

static int file(tc_req *r, struct state *state, long number)
{
	int fd = memfd_create("file", MFD_CLOEXEC);

	(void)state;
	if (ftruncate(fd, number * 1024) != 0) {
		close(fd);
		return TC_FAIL;
	}
	return tc.reply_file(r, 200, "application/octet-stream", fd, 0, number * 1024);
}

static int nothing(tc_req *r, struct state *state, long number)
{
	(void)r;
	(void)state;
	(void)number;
	return TC_OK;
}

static int fail(tc_req *r, struct state *state, long number)
{
	(void)r;
	(void)state;
	(void)number;
	return TC_FAIL;
}

static int half(tc_req *r, struct state *state, long number)
{
	(void)state;
	(void)number;
	if (tc.start(r, 200, "text/plain") != TC_OK || tc.write(r, "half", 4) != TC_OK) {
		return TC_FAIL;
	}
	return TC_OK;
}

static int give_up(tc_req *r, struct state *state, long number)
{
	(void)state;
	(void)number;
	return tc.abort(r);
}

static int crash(tc_req *r, struct state *state, long number)
{
	(void)state;
	(void)number;
	*(volatile int *)0 = r != NULL;
	return TC_OK;
}

static int quit(tc_req *r, struct state *state, long number)
{
	(void)r;
	(void)state;
	exit((int)number);
}

static int dive(int depth)
{
	volatile char page[4096] = { 0 };

	return depth == 0 ? 0 : dive(depth - 1) + page[depth % 4096];
}

/* Until its stack has run out. */
static int overflow(tc_req *r, struct state *state, long number)
{
	(void)r;
	(void)state;
	return dive(number > 0 ? (int)number : 1 << 20);
}

static void answer_on_loop(void *arg)
{
	tc.text(arg, 200, "from the loop\n");
}

static int post(tc_req *r, struct state *state, long number)
{
	(void)number;
	return tc.post(state->loop, answer_on_loop, r) == TC_OK ? TC_LATER : TC_FAIL;
}

/* On the loop, which cannot wait. */
static void go_on(tc_req *r)
{
	static const char piece[PIECE];
	long left = (long)tc.data(r);
	int result = TC_OK;

	while (left > 0 && (result = tc.write(r, piece, sizeof(piece))) == TC_OK) {
		left--;
	}
	tc.set_data(r, (void *)left);
	if (left == 0 || result != TC_AGAIN) {
		tc.end(r);
	}
}

static void go_on_with(void *r)
{
	go_on(r);
}

static int post_stream(tc_req *r, struct state *state, long number)
{
	tc.set_data(r, (void *)number);
	if (tc.start(r, 200, "application/octet-stream") != TC_OK) {
		return TC_FAIL;
	}
	return tc.post(state->loop, go_on_with, r) == TC_OK ? TC_LATER : TC_FAIL;
}

/* What it posts runs before it returns. */
static int post_early(tc_req *r, struct state *state, long number)
{
	int result = post_stream(r, state, number);

	wait_for_latch(state);
	return result;
}

static int keep(tc_req *r, struct state *state, long number)
{
	(void)r;
	(void)number;
	state->running++;
	return TC_LATER;
}

static void on_gone(tc_req *r)
{
	struct state *state = tc.state(r);

	state->running--;
	tc_log(TC_INFO, "gone");
	tc.abort(r);
}

static const struct {
	const char *name;
	int (*fn)(tc_req *r, struct state *state, long number);
} actions[] = { { "answer", answer }, { "echo", echo }, { "wait", wait },
	{ "tell", tell }, { "nap", nap }, { "stream", stream }, { "dribble", dribble },
	{ "refer", refer }, { "refer-badly", refer_badly }, { "file", file },
	{ "nothing", nothing }, { "fail", fail }, { "half", half },
	{ "abort", give_up }, { "crash", crash }, { "quit", quit },
	{ "overflow", overflow }, { "post", post }, { "post-stream", post_stream },
	{ "post-early", post_early }, { "keep", keep } };

static int on_request(tc_req *r)
{
	const char *name = strrchr(tc.path(r), '/') + 1;
	long number = strtol(tc.query(r), NULL, 10);

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (strcmp(name, actions[i].name) == 0) {
			return actions[i].fn(r, tc.state(r), number);
		}
	}
	return tc.text(r, 404, "no such action\n");
}

static int on_open(tc_conf *cf, void **state)
{
	struct state *made = calloc(1, sizeof(*made));

	if (made == NULL) {
		return TC_NOMEM;
	}
	made->latch = tc.conf_path(cf, "latch", "latch");
	made->loop = tc.loop();
	*state = made;
	return TC_OK;
}

static void on_close(void *state)
{
	tc_log(TC_INFO, "closing");
	free(state);
}

TINCAN_HANDLER("sleeper", .route = "/sleeper/*", .flags = TC_BLOCKING,
    .on_open = on_open, .on_close = on_close, .on_request = on_request,
    .on_drain = go_on, .on_gone = on_gone);
