/* SPDX-License-Identifier: MIT */
/* Timers on a wheel of slots. */
#include "os/timer.h"

#include <string.h>

void timers_init(struct timers *timers, int64_t now_ms)
{
	memset(timers->used, 0, sizeof(timers->used));
	timers->tick = now_ms / TIMER_TICK_MS;
	for (int i = 0; i < TIMER_SLOTS; i++) {
		list_init(&timers->slots[i]);
	}
}

void timer_init(struct timer *timer, void (*fn)(struct timer *timer))
{
	list_init(&timer->link);
	timer->filed_tick = 0;
	timer->due_ms = 0;
	timer->fn = fn;
}

/* Into the slot of its due time, or the farthest one if that is beyond the wheel. */
static void file(struct timers *timers, struct timer *timer)
{
	int64_t tick = (timer->due_ms + TIMER_TICK_MS - 1) / TIMER_TICK_MS;
	unsigned slot;

	if (tick < timers->tick) {
		tick = timers->tick;
	} else if (tick >= timers->tick + TIMER_SLOTS) {
		tick = timers->tick + TIMER_SLOTS - 1;
	}
	slot = (unsigned)(tick % TIMER_SLOTS);
	timer->filed_tick = tick;
	list_append(&timers->slots[slot], &timer->link);
	timers->used[slot / 64] |= UINT64_C(1) << (slot % 64);
}

void timer_set(struct timers *timers, struct timer *timer, int64_t due_ms)
{
	timer->due_ms = due_ms;
	if (timer_is_set(timer)) {
		if (due_ms >= timer->filed_tick * TIMER_TICK_MS) {
			return;
		}
		list_remove(&timer->link);
	}
	file(timers, timer);
}

void timer_cancel(struct timer *timer)
{
	list_remove(&timer->link);
}

static void run_slot(struct timers *timers, unsigned slot, int64_t now_ms)
{
	struct list due;

	/* A ring of its own, as a timer may set itself anew into this very slot. */
	list_init(&due);
	while (!list_empty(&timers->slots[slot])) {
		struct list *link = timers->slots[slot].next;

		list_remove(link);
		list_append(&due, link);
	}
	timers->used[slot / 64] &= ~(UINT64_C(1) << (slot % 64));
	while (!list_empty(&due)) {
		struct timer *timer = LIST_OWNER(due.next, struct timer, link);

		list_remove(&timer->link);
		if (timer->due_ms > now_ms) {
			file(timers, timer);
		} else {
			timer->fn(timer);
		}
	}
}

void timers_run(struct timers *timers, int64_t now_ms)
{
	int64_t last = now_ms / TIMER_TICK_MS;

	/* After a long pause every slot is run once, not once for each missed turn. */
	if (last - timers->tick >= TIMER_SLOTS) {
		timers->tick = last - TIMER_SLOTS + 1;
	}
	while (timers->tick <= last) {
		unsigned slot = (unsigned)(timers->tick % TIMER_SLOTS);

		/* First on, so that what is filed now goes to a slot still to come. */
		timers->tick++;
		if (timers->used[slot / 64] & UINT64_C(1) << (slot % 64)) {
			run_slot(timers, slot, now_ms);
		}
	}
}

/* The first used slot from start on, counted in slots, or -1. */
static int first_used(const struct timers *timers, unsigned start)
{
	for (unsigned i = 0; i <= TIMER_SLOTS / 64; i++) {
		unsigned word = (start / 64 + i) % (TIMER_SLOTS / 64);
		uint64_t bits = timers->used[word];

		if (i == 0) {
			bits &= ~UINT64_C(0) << (start % 64);
		}
		if (bits != 0) {
			unsigned slot = word * 64 + (unsigned)__builtin_ctzll(bits);

			return (int)((slot + TIMER_SLOTS - start) % TIMER_SLOTS);
		}
	}
	return -1;
}

int timers_wait_ms(const struct timers *timers, int64_t now_ms)
{
	int slots = first_used(timers, (unsigned)(timers->tick % TIMER_SLOTS));
	int64_t wait;

	if (slots < 0) {
		return -1;
	}
	wait = (timers->tick + slots) * TIMER_TICK_MS - now_ms;
	return wait < 0 ? 0 : (int)wait;
}
