/* SPDX-License-Identifier: MIT */
/*
 * The event loop of a process: file descriptors (epoll), timers, and work put off to the
 * end of the round. One thread. Lifetime: boot.
 */
#ifndef TINCAN_OS_LOOP_H
#define TINCAN_OS_LOOP_H

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

struct loop {
	int epoll_fd;
	bool stopped;
	int64_t now_us;		/* monotonic; when the round began */
	int64_t now_ms;
	struct list deferred;
	struct list soon;
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

/* Runs rounds until loop_stop. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* Runs what is put off to the end of a round now, when no round will come any more. */
void loop_run_deferred(struct loop *loop);

/* The monotonic clock itself, in microseconds. */
int64_t clock_us(void);

#endif
