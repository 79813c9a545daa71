/* SPDX-License-Identifier: MIT */
/* The event loop. */
#include "os/loop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"

#define LOOP_EVENTS 256		/* taken from the kernel at a time */

int64_t clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void read_clock(struct loop *loop)
{
	loop->now_us = clock_us();
	loop->now_ms = loop->now_us / 1000;
}

void loop_run_posted(struct loop *loop)
{
	struct posted *newest = atomic_exchange(&loop->posted, NULL);
	struct posted *oldest = NULL;

	while (newest != NULL) {
		struct posted *next = newest->next;

		newest->next = oldest;
		oldest = newest;
		newest = next;
	}
	while (oldest != NULL) {
		struct posted *posted = oldest;

		oldest = posted->next;
		posted->fn(posted);
	}
}

/* The bell is silenced first: who posts after the list was taken rings again. */
static void on_bell(struct watch *bell, uint32_t events)
{
	uint64_t rings;

	(void)events;
	(void)!read(bell->fd, &rings, sizeof(rings));
	loop_run_posted(LIST_OWNER(bell, struct loop, bell));
}

void loop_post(struct loop *loop, struct posted *posted)
{
	static const uint64_t ring = 1;
	struct posted *before = atomic_load(&loop->posted);

	do {
		posted->next = before;
	} while (!atomic_compare_exchange_weak(&loop->posted, &before, posted));
	if (before == NULL) {
		(void)!write(loop->bell.fd, &ring, sizeof(ring));
	}
}

struct loop *loop_new(void)
{
	struct loop *loop = memory_new(1, sizeof(*loop));

	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	loop->bell = (struct watch){ .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		.fn = on_bell };
	if (loop->epoll_fd < 0 || loop->bell.fd < 0 ||
	    loop_add(loop, &loop->bell, EPOLLIN) != 0) {
		perror("tincan: cannot make an event loop");
		abort();
	}
	list_init(&loop->deferred);
	list_init(&loop->soon);
	read_clock(loop);
	timers_init(&loop->timers, loop->now_ms);
	return loop;
}

void loop_free(struct loop *loop)
{
	if (loop != NULL) {
		close(loop->epoll_fd);
		close(loop->bell.fd);
		free(loop);
	}
}

int loop_add(struct loop *loop, struct watch *watch, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };

	return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, watch->fd, &event) == 0 ? 0 :
	    ERR_SYSTEM;
}

void loop_modify(struct loop *loop, struct watch *watch, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };

	/* Fails only for a descriptor that is not watched: our mistake. */
	(void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event);
}

void loop_remove(struct loop *loop, struct watch *watch)
{
	/* Fails only for a descriptor that is not watched, which is what was asked
	 * for. */
	(void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
}

void deferred_init(struct deferred *deferred, void (*fn)(struct deferred *deferred))
{
	list_init(&deferred->link);
	deferred->fn = fn;
}

void loop_defer(struct loop *loop, struct deferred *deferred)
{
	if (list_empty(&deferred->link)) {
		list_append(&loop->deferred, &deferred->link);
	}
}

void loop_soon(struct loop *loop, struct deferred *deferred)
{
	if (list_empty(&deferred->link)) {
		list_append(&loop->soon, &deferred->link);
	}
}

void deferred_cancel(struct deferred *deferred)
{
	list_remove(&deferred->link);
}

static void run_list(struct list *list)
{
	while (!list_empty(list)) {
		struct deferred *deferred = LIST_OWNER(list->next, struct deferred, link);

		list_remove(&deferred->link);
		deferred->fn(deferred);
	}
}

/* Only those that are there now: what they put off again waits for the next round. */
static void run_soon(struct loop *loop)
{
	struct list now;

	if (list_empty(&loop->soon)) {
		return;
	}
	now = loop->soon;
	now.next->prev = &now;
	now.prev->next = &now;
	list_init(&loop->soon);
	run_list(&now);
}

static void run_round(struct loop *loop)
{
	struct epoll_event events[LOOP_EVENTS];
	int wait_ms = list_empty(&loop->soon) ?
	    timers_wait_ms(&loop->timers, loop->now_ms) : 0;
	int count = epoll_wait(loop->epoll_fd, events, LOOP_EVENTS, wait_ms);

	if (count < 0 && errno != EINTR) {
		perror("tincan: epoll_wait");
		abort();
	}
	read_clock(loop);
	for (int i = 0; i < count; i++) {
		struct watch *watch = events[i].data.ptr;

		watch->fn(watch, events[i].events);
	}
	run_soon(loop);
	timers_run(&loop->timers, loop->now_ms);
	run_list(&loop->deferred);
}

void loop_run(struct loop *loop)
{
	loop->stopped = false;
	while (!loop->stopped) {
		run_round(loop);
	}
	loop_run_deferred(loop);
}

void loop_run_deferred(struct loop *loop)
{
	run_list(&loop->deferred);
}

void loop_stop(struct loop *loop)
{
	loop->stopped = true;
}
