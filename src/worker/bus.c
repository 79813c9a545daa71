/* SPDX-License-Identifier: MIT */
/* The bus in a worker. */
#include "worker/bus.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "ipc/bus_ring.h"
#include "ipc/bus_topics.h"
#include "plugin/bus.h"
#include "remote/remote.h"
#include "worker/worker.h"

/* Read of a ring before others have their turn; twice what a host brings in a round. */
#define TURN_WORDS (256 * 1024 / 8)
#define SAY_MS 10000		/* between lines about lost messages */

/* A peer that listens to a topic. */
struct listener {
	struct list link;	/* in its topic */
	struct list of_peer;
	struct bus_peer *peer;
	struct bus_topic *topic;
	uint64_t lost;		/* on the way to its host, since the last that arrived */
	uint64_t missed;	/* bus.missed then */
};

struct bus {
	struct worker *worker;
	struct bus_rings *rings;
	struct bus_topics topics;	/* that anybody here listens to */
	struct bus_peer here;
	struct bus_carrier carrier;
	struct watch bell;
	struct deferred announce;	/* rings the bell, once a round */
	struct deferred more;		/* goes on reading */
	struct timer say;		/* the next line about lost messages */
	uint64_t missed;	/* messages that were overwritten before they were read */
	uint64_t missed_said;
	uint64_t lost;			/* that slow hosts did not get */
	uint64_t lost_said;
	char slow[SCOREBOARD_NAME_BYTES];	/* the handler of the last of these */
	struct bus_writer writer;
	struct bus_reader readers[BUS_RINGS];
	uint64_t record[BUS_RECORD_WORDS];	/* the one that is being delivered */
};

/* What is lost */

static void say_losses(struct bus *bus)
{
	if (bus->missed != bus->missed_said) {
		log_say(LOG_WARN,
		    "the bus has lost %llu messages: this worker was too slow",
		    (unsigned long long)(bus->missed - bus->missed_said));
	}
	if (bus->lost != bus->lost_said) {
		log_say(LOG_WARN,
		    "the bus has lost %llu messages: processes of handlers were too "
		    "slow, the last one that of '%s'",
		    (unsigned long long)(bus->lost - bus->lost_said), bus->slow);
	}
	bus->missed_said = bus->missed;
	bus->lost_said = bus->lost;
	timer_set(&bus->worker->loop->timers, &bus->say,
	    bus->worker->loop->now_ms + SAY_MS);
}

static bool has_lost_more(const struct bus *bus)
{
	return bus->missed != bus->missed_said || bus->lost != bus->lost_said;
}

static void on_say(struct timer *timer)
{
	struct bus *bus = LIST_OWNER(timer, struct bus, say);

	if (has_lost_more(bus)) {
		say_losses(bus);
	}
}

/* Delivery */

static uint64_t lost_by(const struct bus *bus, const struct listener *listener)
{
	return listener->lost + bus->missed - listener->missed;
}

static void settle(const struct bus *bus, struct listener *listener)
{
	listener->lost = 0;
	listener->missed = bus->missed;
}

static void tell_host(struct bus *bus, struct listener *listener,
    const struct bus_message *message)
{
	int rc = remote_event(listener->peer->remote, message->name, message->data,
	    lost_by(bus, listener));

	if (rc == 0) {
		settle(bus, listener);
	} else if (rc != ERR_CLOSED) {
		listener->lost++;
		bus->lost++;
		snprintf(bus->slow, sizeof(bus->slow), "%s", message->name.data);
	}
}

/* The listener may be gone afterwards, and its topic, too. */
static void call_handlers(struct bus *bus, struct listener *listener,
    const struct bus_message *message)
{
	uint64_t lost = lost_by(bus, listener);

	settle(bus, listener);
	bus_deliver(message->name, message->data, lost);
}

static void deliver(struct bus *bus, const struct bus_message *message)
{
	struct bus_topic *topic = bus_topics_find(&bus->topics, message->name);
	struct listener *here = NULL;

	if (topic == NULL) {
		return;
	}
	for (struct list *link = topic->listeners.next; link != &topic->listeners;
	     link = link->next) {
		struct listener *listener = LIST_OWNER(link, struct listener, link);

		if (listener->peer == &bus->here) {
			here = listener;
		} else {
			tell_host(bus, listener, message);
		}
	}
	if (here != NULL) {
		call_handlers(bus, here, message);
	}
}

/* Returns whether there may be more. */
static bool read_ring(struct bus *bus, struct bus_reader *reader)
{
	uint64_t start = reader->position;
	struct bus_message message;

	while (reader->position - start < TURN_WORDS && bus->topics.count > 0) {
		if (bus_ring_read(reader, bus->record, &message, &bus->missed) != 0) {
			return false;
		}
		deliver(bus, &message);
	}
	return bus->topics.count > 0;
}

static void read_rings(struct bus *bus)
{
	uint32_t used = bus_rings_used(bus->rings);
	bool more = false;

	bus_rings_sleep(bus->rings);
	for (uint32_t i = 0; i < used; i++) {
		more = read_ring(bus, &bus->readers[i]) || more;
	}
	if (more) {
		loop_soon(bus->worker->loop, &bus->more);
	}
	if (has_lost_more(bus) && !timer_is_set(&bus->say)) {
		say_losses(bus);
	}
}

static void on_more(struct deferred *more)
{
	read_rings(LIST_OWNER(more, struct bus, more));
}

static void on_bell(struct watch *watch, uint32_t events)
{
	(void)events;
	read_rings(LIST_OWNER(watch, struct bus, bell));
}

/* Listening */

/* With the first topic: what was said before is not for us. A ring that nobody has
 * written so far is read from its beginning. */
static int start_reading(struct bus *bus)
{
	uint32_t used = bus_rings_used(bus->rings);

	for (uint32_t i = 0; i < BUS_RINGS; i++) {
		const struct bus_ring *ring = &bus->rings->ring[i];

		if (i < used) {
			bus_reader_init(&bus->readers[i], ring);
		} else {
			bus->readers[i] = (struct bus_reader){ .ring = ring };
		}
	}
	/* The bell has been rung before, so that there is an event at once. */
	return loop_add(bus->worker->loop, &bus->bell, EPOLLIN | EPOLLET);
}

static void stop_reading(struct bus *bus)
{
	loop_remove(bus->worker->loop, &bus->bell);
	deferred_cancel(&bus->more);
}

static struct listener *find_listener(const struct bus_topic *topic,
    const struct bus_peer *peer)
{
	for (struct list *link = topic->listeners.next; link != &topic->listeners;
	     link = link->next) {
		struct listener *listener = LIST_OWNER(link, struct listener, link);

		if (listener->peer == peer) {
			return listener;
		}
	}
	return NULL;
}

static int add_listener(struct bus *bus, struct bus_peer *peer, struct bus_topic *topic)
{
	struct listener *listener = peer->count == BUS_SUBSCRIPTIONS ?
	    NULL : calloc(1, sizeof(*listener));

	if (listener == NULL) {
		return peer->count == BUS_SUBSCRIPTIONS ? ERR_LIMIT : ERR_NOMEM;
	}
	listener->peer = peer;
	listener->topic = topic;
	settle(bus, listener);
	list_append(&topic->listeners, &listener->link);
	list_append(&peer->listeners, &listener->of_peer);
	peer->count++;
	return 0;
}

/* If nobody is left. topic may be NULL. */
static void leave_topic(struct bus *bus, struct bus_topic *topic)
{
	if (topic != NULL) {
		bus_topics_leave(&bus->topics, topic);
	}
	if (bus->topics.count == 0) {
		stop_reading(bus);
	}
}

int bus_listen(struct bus *bus, struct bus_peer *peer, struct slice name)
{
	struct bus_topic *topic = bus_topics_find(&bus->topics, name);
	int rc;

	if (topic != NULL && find_listener(topic, peer) != NULL) {
		return 0;
	}
	if (bus->topics.count == 0) {
		rc = start_reading(bus);
		if (rc != 0) {
			return rc;
		}
	}
	topic = bus_topics_need(&bus->topics, name);
	rc = topic == NULL ? ERR_NOMEM : add_listener(bus, peer, topic);
	if (rc != 0) {
		leave_topic(bus, topic);
	}
	return rc;
}

static void end_listener(struct bus *bus, struct listener *listener)
{
	struct bus_topic *topic = listener->topic;

	list_remove(&listener->link);
	list_remove(&listener->of_peer);
	listener->peer->count--;
	free(listener);
	leave_topic(bus, topic);
}

void bus_unlisten(struct bus *bus, struct bus_peer *peer, struct slice name)
{
	struct bus_topic *topic = bus_topics_find(&bus->topics, name);
	struct listener *listener = topic == NULL ? NULL : find_listener(topic, peer);

	if (listener != NULL) {
		end_listener(bus, listener);
	}
}

void bus_silence(struct bus *bus, struct bus_peer *peer)
{
	while (!list_empty(&peer->listeners)) {
		end_listener(bus, LIST_OWNER(peer->listeners.next, struct listener,
		    of_peer));
	}
}

void bus_peer_init(struct bus_peer *peer)
{
	*peer = (struct bus_peer){ 0 };
	list_init(&peer->listeners);
}

/* Speaking */

static void on_announce(struct deferred *announce)
{
	const struct bus *bus = LIST_OWNER(announce, struct bus, announce);

	bus_rings_wake(bus->rings, bus->bell.fd);
}

int bus_publish(struct bus *bus, struct slice name, struct slice data)
{
	int rc = bus_ring_write(&bus->writer, &(struct bus_message){ name, data });

	if (rc == 0) {
		loop_defer(bus->worker->loop, &bus->announce);
	}
	return rc;
}

static int subscribe_here(void *arg, struct slice name)
{
	struct bus *bus = arg;

	return bus_listen(bus, &bus->here, name);
}

static void unsubscribe_here(void *arg, struct slice name)
{
	struct bus *bus = arg;

	bus_unlisten(bus, &bus->here, name);
}

static int publish_here(void *arg, struct slice name, struct slice data)
{
	return bus_publish(arg, name, data);
}

struct bus *bus_new(struct worker *worker, const struct worker_setup *setup)
{
	struct bus *bus = memory_new(1, sizeof(*bus));

	bus->worker = worker;
	bus->rings = setup->bus;
	bus->bell = (struct watch){ .fd = setup->bell_fd, .fn = on_bell };
	bus->carrier = (struct bus_carrier){ .subscribe = subscribe_here,
		.unsubscribe = unsubscribe_here, .publish = publish_here, .arg = bus };
	bus_topics_init(&bus->topics);
	bus_peer_init(&bus->here);
	deferred_init(&bus->announce, on_announce);
	deferred_init(&bus->more, on_more);
	timer_init(&bus->say, on_say);
	bus_writer_init(&bus->writer, bus->rings, setup->index);
	bus_serve(&bus->carrier);
	/* The one before may have died between taking the flag down and ringing. */
	bus_bell_ring(bus->bell.fd);
	return bus;
}

void bus_free(struct bus *bus)
{
	if (bus != NULL) {
		deferred_cancel(&bus->announce);
		deferred_cancel(&bus->more);
		timer_cancel(&bus->say);
		bus_topics_release(&bus->topics);
		free(bus);
	}
}
