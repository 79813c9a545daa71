/* SPDX-License-Identifier: MIT */
/*
 * Watches descriptors and answers when they are ready, as the last part of the path says;
 * the query is a number: of milliseconds, of bytes.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <tincan/handler.h>
#include <unistd.h>

#define STEP 4096

/* A request that waits, and the two descriptors that it waits for. */
struct item {
	tc_req *r;
	int fds[2];
	tc_watch *watches[2];
	size_t left[2];		/* bytes to write into the one, to read from the other */
	int calls;
};

static struct item *add(tc_req *r)
{
	struct item *item = calloc(1, sizeof(*item));

	if (item != NULL) {
		item->r = r;
		item->fds[0] = -1;
		item->fds[1] = -1;
	}
	return item;
}

static void finish(struct item *item, int status, const char *text)
{
	tc.text(item->r, status, text);
	for (int i = 0; i < 2; i++) {
		tc.unwatch(item->watches[i]);
		if (item->fds[i] >= 0) {
			close(item->fds[i]);
		}
	}
	free(item);
}

static int wait_for(struct item *item, int which, uint32_t events,
    void (*fn)(void *arg, uint32_t events))
{
	item->watches[which] = tc.watch(item->fds[which], events, fn, item);
	if (item->watches[which] == NULL) {
		finish(item, 500, "not watched\n");
	}
	return item->watches[which] == NULL ? TC_OK : TC_LATER;
}

static void on_clock(void *arg, uint32_t events)
{
	struct item *item = arg;
	uint64_t ticks;

	if (events == TC_READ && read(item->fds[0], &ticks, sizeof(ticks)) > 0) {
		finish(item, 200, "tick\n");
	}
}

static int watch_clock(tc_req *r)
{
	long ms = strtol(tc.query(r), NULL, 10);
	struct itimerspec when = { .it_value = { ms / 1000, ms % 1000 * 1000000 + 1 } };
	struct item *item = add(r);

	if (item == NULL) {
		return TC_NOMEM;
	}
	item->fds[0] = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	timerfd_settime(item->fds[0], 0, &when, NULL);
	return wait_for(item, 0, TC_READ, on_clock);
}

static int open_pair(struct item *item)
{
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
	    item->fds);
}

static void on_room(void *arg, uint32_t events)
{
	static const char bytes[STEP];
	struct item *item = arg;
	size_t size = item->left[0] < STEP ? item->left[0] : STEP;
	ssize_t sent = events == TC_WRITE ? write(item->fds[0], bytes, size) : -1;

	if (sent > 0) {
		item->left[0] -= (size_t)sent;
	}
	if (item->left[0] == 0) {
		tc.unwatch(item->watches[0]);
		item->watches[0] = NULL;
	}
}

static void on_bytes(void *arg, uint32_t events)
{
	char bytes[STEP];
	struct item *item = arg;
	ssize_t got = events == TC_READ ? read(item->fds[1], bytes, sizeof(bytes)) : -1;

	if (got > 0) {
		item->left[1] -= (size_t)got;
	}
	if (got <= 0) {
		finish(item, 500, "no bytes\n");
	} else if (item->left[1] == 0) {
		finish(item, 200, "all through\n");
	}
}

/* Both ends of a socket at once. */
static int watch_both(tc_req *r)
{
	struct item *item = add(r);

	if (item == NULL || open_pair(item) != 0) {
		return TC_FAIL;
	}
	item->left[0] = strtoul(tc.query(r), NULL, 10);
	item->left[1] = item->left[0];
	if (wait_for(item, 0, TC_WRITE, on_room) != TC_LATER) {
		return TC_OK;
	}
	return wait_for(item, 1, TC_READ, on_bytes);
}

/* Level-triggered: it comes again as long as nobody reads. */
static void on_unread(void *arg, uint32_t events)
{
	struct item *item = arg;

	if (events != TC_READ) {
		finish(item, 500, "other events\n");
	} else if (++item->calls == 3) {
		finish(item, 200, "again and again\n");
	}
}

static int watch_unread(tc_req *r)
{
	struct item *item = add(r);

	if (item == NULL || open_pair(item) != 0 || write(item->fds[1], "x", 1) != 1) {
		return TC_FAIL;
	}
	return wait_for(item, 0, TC_READ, on_unread);
}

static void on_end(void *arg, uint32_t events)
{
	char text[64];

	snprintf(text, sizeof(text), "events %u\n", (unsigned)events);
	finish(arg, 200, text);
}

/* The end of the other side, told as what the query asks for. */
static int watch_end(tc_req *r)
{
	struct item *item = add(r);

	if (item == NULL || pipe2(item->fds, O_CLOEXEC) != 0) {
		return TC_FAIL;
	}
	close(item->fds[1]);
	item->fds[1] = -1;
	return wait_for(item, 0, (uint32_t)strtoul(tc.query(r), NULL, 10), on_end);
}

static void crash(void *arg, uint32_t events)
{
	(void)arg;
	*(volatile int *)0 = (int)events;
}

static int watch_and_crash(tc_req *r)
{
	struct item *item = add(r);

	if (item == NULL || open_pair(item) != 0) {
		return TC_FAIL;
	}
	return wait_for(item, 0, TC_WRITE, crash);
}

static void never(void *arg, uint32_t events)
{
	(void)arg;
	tc_log(TC_ERROR, "called after its end, for %u", (unsigned)events);
}

/* One that ends the other of two that are ready in one round. */
static void end_other(void *arg, uint32_t events)
{
	struct item *item = arg;
	int other = item->watches[0] == NULL;

	(void)events;
	if (item->calls++ == 0) {
		tc.unwatch(item->watches[0]);
		tc.unwatch(item->watches[1]);
		item->watches[0] = tc.watch(item->fds[other], TC_WRITE, on_end, item);
		item->watches[1] = NULL;
	} else {
		never(arg, events);
	}
}

static int watch_rivals(tc_req *r)
{
	struct item *item = add(r);

	if (item == NULL || open_pair(item) != 0) {
		return TC_FAIL;
	}
	if (wait_for(item, 0, TC_WRITE, end_other) != TC_LATER) {
		return TC_OK;
	}
	return wait_for(item, 1, TC_WRITE, end_other);
}

/* It ends with its instance: nobody takes it back. */
static int leave(tc_req *r)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) != 0 ||
	    tc.watch(fds[0], TC_READ, never, NULL) == NULL) {
		return TC_FAIL;
	}
	return tc.text(r, 200, "left\n");
}

static int refusals(tc_req *r)
{
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int fds[2];
	tc_watch *good;
	char text[16];

	if (file < 0 || pipe2(fds, O_CLOEXEC) != 0) {
		return TC_FAIL;
	}
	good = tc.watch(fds[0], TC_READ, never, NULL);
	snprintf(text, sizeof(text), "%d%d%d%d%d%d%d\n", good != NULL,
	    tc.watch(fds[0], TC_READ, never, NULL) != NULL,
	    tc.watch(-1, TC_READ, never, NULL) != NULL,
	    tc.watch(file, TC_READ, never, NULL) != NULL,
	    tc.watch(fds[1], 0, never, NULL) != NULL,
	    tc.watch(fds[1], 4, never, NULL) != NULL,
	    tc.watch(fds[1], TC_WRITE, NULL, NULL) != NULL);
	tc.unwatch(good);
	tc.unwatch(NULL);
	close(fds[0]);
	close(fds[1]);
	close(file);
	return tc.text(r, 200, text);
}

static const struct {
	const char *name;
	int (*fn)(tc_req *r);
} actions[] = { { "clock", watch_clock }, { "both", watch_both },
	{ "unread", watch_unread }, { "end", watch_end }, { "crash", watch_and_crash },
	{ "rivals", watch_rivals }, { "leave", leave }, { "refusals", refusals } };

static int on_request(tc_req *r)
{
	const char *name = strrchr(tc.path(r), '/') + 1;

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (strcmp(name, actions[i].name) == 0) {
			return actions[i].fn(r);
		}
	}
	return tc.text(r, 404, "no such action\n");
}

TINCAN_HANDLER("watcher", .route = "/watcher/*", .on_request = on_request);
