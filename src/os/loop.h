/* SPDX-License-Identifier: MIT */
/*
 * The event loop of a process: file descriptors (epoll), timers, and work put off to the
 * end of the round. One thread; others have one way in, loop_post. Lifetime: boot.
 */
#ifndef TINCAN_OS_LOOP_H
#define TINCAN_OS_LOOP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "base/error.h"
#include "base/list.h"
#include "os/timer.h"

/* A descriptor that is watched; embedded in what it belongs to. */
struct watch {
	int fd;
	void (*fn)(struct watch *watch, uint32_t events);
};

/* Work for the end of the round; embedded. Freeing what other events of the same round
 * may still point to belongs there. */
struct deferred {
	struct list link;
	void (*fn)(struct deferred *deferred);
};

/* Work that another thread has for the loop; embedded. */
struct posted {
	struct posted *next;
	void (*fn)(struct posted *posted);
};

struct loop {
	int epoll_fd;
	bool stopped;
	int64_t now_us;		/* monotonic; when the round began */
	int64_t now_ms;
	struct list deferred;
	struct list soon;
	_Atomic(struct posted *) posted;	/* the newest first */
	struct watch bell;	/* an eventfd, rung when posted is not NULL any more */
	struct timers timers;
};

/* A loop, owned by the caller; aborts if the kernel gives no epoll descriptor. */
struct loop *loop_new(void);
void loop_free(struct loop *loop);

/* Watches watch->fd for events (EPOLLIN, ...). ERR_SYSTEM with errno. */
int loop_add(struct loop *loop, struct watch *watch, uint32_t events) MUST_USE;

/* Watches for other events from now on. */
void loop_modify(struct loop *loop, struct watch *watch, uint32_t events);

/* Watches no more; to be called before the descriptor is closed. An event of this round
 * may still come: free the watch in a deferred function. */
void loop_remove(struct loop *loop, struct watch *watch);

/* Calls deferred->fn at the end of this round, once however often it is asked. */
void loop_defer(struct loop *loop, struct deferred *deferred);
void deferred_init(struct deferred *deferred, void (*fn)(struct deferred *deferred));

/* Calls deferred->fn in the next round, which then does not wait: for work that is not
 * done but must let others have their turn. */
void loop_soon(struct loop *loop, struct deferred *deferred);

/* Takes it back; harmless if it was not asked for. */
void deferred_cancel(struct deferred *deferred);

/*
 * [any thread] Calls posted->fn on the loop, soon, in the order of the calls of one
 * thread. posted is the loop's until then, and may be freed from in there. What is posted
 * while the loop has not looked wakes it once.
 */
void loop_post(struct loop *loop, struct posted *posted);

/* Runs rounds until loop_stop. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* Runs what is put off to the end of a round now, when no round will come any more. */
void loop_run_deferred(struct loop *loop);

/* Likewise what was posted. */
void loop_run_posted(struct loop *loop);

/* The monotonic clock itself, in microseconds. */
int64_t clock_us(void);

#endif
