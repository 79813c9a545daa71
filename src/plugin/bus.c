/* SPDX-License-Identifier: MIT */
/*
 * Subscriptions. The statics are here because the functions of the table have no argument
 * that could carry them: one bus a process. All of it runs on the loop's thread.
 */
#include "plugin/bus.h"

#include <stdlib.h>
#include <string.h>

#include "ipc/bus_ring.h"
#include "ipc/bus_topics.h"
#include "plugin/instance.h"

struct tc_sub {
	struct list link;		/* in its topic's listeners */
	struct list of_instance;	/* in instance.subscriptions */
	struct bus_topic *topic;
	struct instance *instance;
	/* NULL: it has ended while its topic was being delivered, and goes after that. */
	void (*fn)(void *arg, const void *data, size_t size, uint64_t lost);
	void *arg;
};

static const struct bus_carrier *the_carrier;
static struct bus_topics topics;
static size_t subscriptions;
static struct bus_topic *delivering;

static void drop(tc_sub *sub)
{
	list_remove(&sub->link);
	free(sub);
	subscriptions--;
}

static void leave_topic(struct bus_topic *topic)
{
	if (list_empty(&topic->listeners)) {
		the_carrier->unsubscribe(the_carrier->arg, bus_topic_name(topic));
		bus_topics_leave(&topics, topic);
	}
}

static void end(tc_sub *sub)
{
	struct bus_topic *topic = sub->topic;

	list_remove(&sub->of_instance);
	sub->fn = NULL;
	if (topic != delivering) {
		drop(sub);
		leave_topic(topic);
	}
}

/* The name of the topic for the instance whose callback runs; its size, or 0. */
static size_t name_of(char out[BUS_NAME_MAX], const char *topic)
{
	const struct instance *instance = api_instance();

	if (instance == NULL) {
		api_log(TC_ERROR, "used the bus outside a callback");
		return 0;
	}
	return topic == NULL ? 0 : bus_name(out,
	    slice_of(instance->plugin->note.name), slice_of(topic));
}

/* The topic, of which this process hears from now on if it did not before. */
static struct bus_topic *need_topic(struct slice name)
{
	struct bus_topic *topic = bus_topics_need(&topics, name);

	if (topic != NULL && list_empty(&topic->listeners) &&
	    the_carrier->subscribe(the_carrier->arg, name) != 0) {
		bus_topics_leave(&topics, topic);
		return NULL;
	}
	return topic;
}

static tc_sub *subscribe(const char *topic,
    void (*fn)(void *arg, const void *data, size_t size, uint64_t lost), void *arg)
{
	char name[BUS_NAME_MAX];
	size_t size = name_of(name, topic);
	tc_sub *sub;

	if (size == 0 || fn == NULL || subscriptions == BUS_SUBSCRIPTIONS) {
		return NULL;
	}
	sub = calloc(1, sizeof(*sub));
	if (sub == NULL) {
		return NULL;
	}
	sub->topic = need_topic((struct slice){ name, size });
	if (sub->topic == NULL) {
		free(sub);
		return NULL;
	}
	sub->instance = api_instance();
	sub->fn = fn;
	sub->arg = arg;
	list_append(&sub->topic->listeners, &sub->link);
	list_append(&sub->instance->subscriptions, &sub->of_instance);
	subscriptions++;
	return sub;
}

static void unsubscribe(tc_sub *sub)
{
	if (sub != NULL && sub->fn != NULL) {
		end(sub);
	}
}

static int publish(const char *topic, const void *data, size_t size)
{
	char name[BUS_NAME_MAX];
	size_t name_size = name_of(name, topic);

	if (name_size == 0 || (data == NULL && size > 0)) {
		return TC_INVALID;
	}
	if (size > BUS_DATA_MAX) {
		return TC_LIMIT;
	}
	return api_result(the_carrier->publish(the_carrier->arg,
	    (struct slice){ name, name_size }, (struct slice){ data, size }));
}

void bus_serve(const struct bus_carrier *carrier)
{
	the_carrier = carrier;
	bus_topics_init(&topics);
}

const void *bus_ext(const char *id)
{
	static const tc_bus table = { .size = sizeof(tc_bus), .subscribe = subscribe,
		.unsubscribe = unsubscribe, .publish = publish };

	return the_carrier != NULL && strcmp(id, TC_BUS) == 0 ? &table : NULL;
}

static void call(const tc_sub *sub, struct slice data, uint64_t lost)
{
	struct api_call before = instance_enter(sub->instance, PAGE_ON_BUS, NULL);

	sub->fn(sub->arg, data.data, data.size, lost);
	api_leave(before);
}

/* Those that have ended meanwhile. */
static void sweep(struct bus_topic *topic)
{
	for (struct list *link = topic->listeners.next; link != &topic->listeners;) {
		tc_sub *sub = LIST_OWNER(link, tc_sub, link);

		link = link->next;
		if (sub->fn == NULL) {
			drop(sub);
		}
	}
	leave_topic(topic);
}

/* Those that subscribe meanwhile hear the next message first. */
static void call_all(const struct bus_topic *topic, struct slice data, uint64_t lost)
{
	const struct list *last = topic->listeners.prev;
	const struct list *link = &topic->listeners;

	do {
		const tc_sub *sub;

		link = link->next;
		sub = LIST_OWNER(link, tc_sub, link);
		if (sub->fn != NULL) {
			call(sub, data, lost);
		}
	} while (link != last);
}

void bus_deliver(struct slice name, struct slice data, uint64_t lost)
{
	struct bus_topic *topic = bus_topics_find(&topics, name);

	if (topic != NULL) {
		delivering = topic;
		call_all(topic, data, lost);
		delivering = NULL;
		sweep(topic);
	}
}

void bus_leave(struct instance *instance)
{
	while (!list_empty(&instance->subscriptions)) {
		end(LIST_OWNER(instance->subscriptions.next, tc_sub, of_instance));
	}
}
