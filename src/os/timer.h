/* SPDX-License-Identifier: MIT */
/*
 * Timers on a wheel of slots. Made for timeouts that nearly always move on before they
 * fire: setting one later costs a store, no list work and no system call; the wheel files
 * it anew when it comes by. Never early, late by one tick at most.
 */
#ifndef TINCAN_OS_TIMER_H
#define TINCAN_OS_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

#define TIMER_TICK_MS 8
#define TIMER_SLOTS 1024

struct timer {
	struct list link;	/* in a slot while set */
	int64_t filed_tick;	/* the tick whose slot it is in */
	int64_t due_ms;
	void (*fn)(struct timer *timer);
};

/* Embedded in its loop; too big for a stack. */
struct timers {
	int64_t tick;		/* every slot before this one has been run */
	uint64_t used[TIMER_SLOTS / 64];	/* a bit per slot that may hold some */
	struct list slots[TIMER_SLOTS];
};

void timers_init(struct timers *timers, int64_t now_ms);

/* Runs fn of every timer that is due. They may set and cancel timers. */
void timers_run(struct timers *timers, int64_t now_ms);

/* Milliseconds until timers_run has something to look at; -1: nothing is set. */
int timers_wait_ms(const struct timers *timers, int64_t now_ms);

/* Ready, not set. fn is called once each time it is set and becomes due. */
void timer_init(struct timer *timer, void (*fn)(struct timer *timer));

/* Sets, or moves, the timer to due_ms on the loop's clock. */
void timer_set(struct timers *timers, struct timer *timer, int64_t due_ms);

/* Harmless for one that is not set. */
void timer_cancel(struct timer *timer);

static inline bool timer_is_set(const struct timer *timer)
{
	return !list_empty(&timer->link);
}

#endif
