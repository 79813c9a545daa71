/* SPDX-License-Identifier: MIT */
/* The descriptors that a handler watches. */
#include "plugin/watch.h"

#include <stdlib.h>

#include "plugin/instance.h"

#define KNOWN_EVENTS ((uint32_t)(TC_READ | TC_WRITE))

struct tc_watch {
	struct watch watch;
	struct list link;		/* of the instance */
	struct deferred freeing;
	struct loop *loop;		/* borrowed */
	struct instance *instance;	/* borrowed */
	uint32_t events;		/* that it is for */
	/* NULL: it has ended, but an event of this round may still come. */
	void (*fn)(void *arg, uint32_t events);
	void *arg;
};

static uint32_t kernel_events(uint32_t events)
{
	return (events & TC_READ ? (uint32_t)EPOLLIN : 0) |
	    (events & TC_WRITE ? (uint32_t)EPOLLOUT : 0);
}

/* The kernel tells errors and hang-ups unasked: a read or a write says which. */
static uint32_t ready_for(uint32_t events)
{
	if (events & (EPOLLERR | EPOLLHUP)) {
		return KNOWN_EVENTS;
	}
	return (events & EPOLLIN ? TC_READ : 0) | (events & EPOLLOUT ? TC_WRITE : 0);
}

static void on_ready(struct watch *ready, uint32_t events)
{
	tc_watch *watch = LIST_OWNER(ready, tc_watch, watch);
	uint32_t told = ready_for(events) & watch->events;
	struct api_call before;

	if (watch->fn != NULL && told != 0) {
		before = instance_enter(watch->instance, PAGE_ON_WATCH, NULL);
		watch->fn(watch->arg, told);
		api_leave(before);
	}
}

static void free_watch(struct deferred *freeing)
{
	free(LIST_OWNER(freeing, tc_watch, freeing));
}

tc_watch *watch_new(struct instance *instance, struct loop *loop, int fd, uint32_t events,
    void (*fn)(void *arg, uint32_t events), void *arg)
{
	tc_watch *watch;

	if (events == 0 || (events & ~KNOWN_EVENTS) != 0) {
		return NULL;
	}
	watch = calloc(1, sizeof(*watch));
	if (watch == NULL) {
		return NULL;
	}
	watch->watch = (struct watch){ .fd = fd, .fn = on_ready };
	if (loop_add(loop, &watch->watch, kernel_events(events)) != 0) {
		free(watch);
		return NULL;
	}
	deferred_init(&watch->freeing, free_watch);
	watch->loop = loop;
	watch->instance = instance;
	watch->events = events;
	watch->fn = fn;
	watch->arg = arg;
	list_init(&watch->link);
	list_append(&instance->watches, &watch->link);
	return watch;
}

void watch_end(tc_watch *watch)
{
	if (watch != NULL && watch->fn != NULL) {
		watch->fn = NULL;
		loop_remove(watch->loop, &watch->watch);
		list_remove(&watch->link);
		loop_defer(watch->loop, &watch->freeing);
	}
}

void watches_end(struct list *watches)
{
	while (!list_empty(watches)) {
		watch_end(LIST_OWNER(watches->next, tc_watch, link));
	}
}
