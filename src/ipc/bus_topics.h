/* SPDX-License-Identifier: MIT */
/*
 * Topics of the bus that somebody listens to, by name (see bus_ring.h), each with a list
 * of who does. The list's members are the caller's.
 */
#ifndef TINCAN_IPC_BUS_TOPICS_H
#define TINCAN_IPC_BUS_TOPICS_H

#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/slice.h"

struct bus_topic {
	struct list link;	/* of those with a like hash */
	struct list listeners;
	uint64_t hash;
	size_t size;
	char name[];		/* NUL-terminated beyond its size */
};

struct bus_topics {
	struct list *places;	/* owned; NULL while there are none */
	size_t capacity;	/* a power of two */
	size_t count;
	uint64_t seed;
};

void bus_topics_init(struct bus_topics *topics);

/* Frees those that are left, whose listeners must have gone. */
void bus_topics_release(struct bus_topics *topics);

/* The topic of that name, or NULL. */
struct bus_topic *bus_topics_find(const struct bus_topics *topics, struct slice name);

/* The same, but a new one without listeners if there is none; NULL when out of memory. */
struct bus_topic *bus_topics_need(struct bus_topics *topics, struct slice name);

/* Forgets the topic if nobody listens to it any more. */
void bus_topics_leave(struct bus_topics *topics, struct bus_topic *topic);

/* Borrowed from the topic. */
static inline struct slice bus_topic_name(const struct bus_topic *topic)
{
	return (struct slice){ topic->name, topic->size };
}

#endif
