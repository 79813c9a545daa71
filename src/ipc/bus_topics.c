/* SPDX-License-Identifier: MIT */
/* A hash table of topics, with chains. */
#include "ipc/bus_topics.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define FIRST_CAPACITY 16

void bus_topics_init(struct bus_topics *topics)
{
	*topics = (struct bus_topics){ .seed = hash_seed() };
}

void bus_topics_release(struct bus_topics *topics)
{
	for (size_t i = 0; i < topics->capacity; i++) {
		while (!list_empty(&topics->places[i])) {
			struct list *link = topics->places[i].next;

			list_remove(link);
			free(LIST_OWNER(link, struct bus_topic, link));
		}
	}
	free(topics->places);
	bus_topics_init(topics);
}

static struct list *place_of(const struct bus_topics *topics, uint64_t hash)
{
	return &topics->places[hash & (topics->capacity - 1)];
}

static struct bus_topic *find(const struct bus_topics *topics, struct slice name,
    uint64_t hash)
{
	struct list *place = place_of(topics, hash);

	for (struct list *link = place->next; link != place; link = link->next) {
		struct bus_topic *topic = LIST_OWNER(link, struct bus_topic, link);

		if (topic->hash == hash && slice_equal(bus_topic_name(topic), name)) {
			return topic;
		}
	}
	return NULL;
}

struct bus_topic *bus_topics_find(const struct bus_topics *topics, struct slice name)
{
	return topics->count == 0 ? NULL : find(topics, name,
	    hash_text(name, topics->seed));
}

/* Twice as many places. When out of memory the old ones do. */
static void grow(struct bus_topics *topics)
{
	struct bus_topics grown = *topics;
	struct list all;

	grown.capacity = topics->capacity == 0 ? FIRST_CAPACITY : topics->capacity * 2;
	grown.places = calloc(grown.capacity, sizeof(*grown.places));
	if (grown.places == NULL) {
		return;
	}
	list_init(&all);
	for (size_t i = 0; i < topics->capacity; i++) {
		list_move(&all, &topics->places[i]);
	}
	for (size_t i = 0; i < grown.capacity; i++) {
		list_init(&grown.places[i]);
	}
	while (!list_empty(&all)) {
		struct bus_topic *topic = LIST_OWNER(all.next, struct bus_topic, link);

		list_remove(&topic->link);
		list_append(place_of(&grown, topic->hash), &topic->link);
	}
	free(topics->places);
	*topics = grown;
}

static struct bus_topic *add(struct bus_topics *topics, struct slice name, uint64_t hash)
{
	struct bus_topic *topic = calloc(1, sizeof(*topic) + name.size + 1);

	if (topic == NULL) {
		return NULL;
	}
	list_init(&topic->link);
	list_init(&topic->listeners);
	topic->hash = hash;
	topic->size = name.size;
	memcpy(topic->name, name.data, name.size);
	list_append(place_of(topics, hash), &topic->link);
	topics->count++;
	return topic;
}

struct bus_topic *bus_topics_need(struct bus_topics *topics, struct slice name)
{
	uint64_t hash = hash_text(name, topics->seed);
	struct bus_topic *topic;

	if (topics->count == topics->capacity) {
		grow(topics);
	}
	if (topics->capacity == 0) {
		return NULL;
	}
	topic = find(topics, name, hash);
	return topic != NULL ? topic : add(topics, name, hash);
}

void bus_topics_leave(struct bus_topics *topics, struct bus_topic *topic)
{
	if (list_empty(&topic->listeners)) {
		list_remove(&topic->link);
		free(topic);
		topics->count--;
	}
}
