/* SPDX-License-Identifier: MIT */
/* The listening sockets of a worker. */
#include "worker/listener.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/log_pace.h"
#include "base/memory.h"
#include "worker/connection.h"
#include "worker/limits.h"
#include "worker/proxied.h"

#define ACCEPT_BATCH 64		/* connections taken before others have their turn */
#define QUEUE_BATCHES 64	/* of a listener that ends: what its backlog holds */
#define RETRY_MS 100		/* when out of descriptors: try again after */
#define HANDSHAKES_MS 8		/* the same when too many handshakes are under way */

struct listener {
	struct list link;		/* in worker.listeners */
	struct watch watch;
	struct timer retry;		/* set while it does not accept */
	struct worker *worker;
	struct deferred later;		/* its end */
	uint32_t id;			/* the master's */
	uint16_t port;
	const struct config_listener *config;	/* of the newest generation */
	struct log_pace said;		/* that there are no descriptors */
	bool serving;
	bool ending;			/* what waits is taken, whatever the limits */
};

static void take(struct listener *listener, int fd, const union socket_address *peer)
{
	struct worker *worker = listener->worker;
	const struct connection_entry entry = { .listener = listener->id,
		.port = listener->port, .proxied = listener->config->proxied,
		.plain = !listener->config->tls };

	if (!proxied_admit(worker, listener->config, peer) ||
	    (!entry.proxied && !limits_admit_address(worker, peer)) ||
	    !limits_admit(worker, peer)) {
		close(fd);
		return;
	}
	counter_add(&worker->self->accepted, 1);
	connection_new(worker, fd, peer, &entry);
}

/* The queue stays readable: the loop would spin. */
static void pause_accepting(struct listener *listener, int ms)
{
	struct loop *loop = listener->worker->loop;

	loop_remove(loop, &listener->watch);
	timer_set(&loop->timers, &listener->retry, loop->now_ms + ms);
}

/* Of descriptors, until some are free again. */
static void run_out(struct listener *listener)
{
	struct worker *worker = listener->worker;

	if (log_pace_due(&listener->said, worker->loop->now_ms, NULL)) {
		log_say(LOG_WARN,
		    "out of file descriptors: accepting only as they get free");
	}
	pause_accepting(listener, RETRY_MS);
}

/* Takes up to a batch; false if there were no more. */
static bool take_batch(struct listener *listener)
{
	union socket_address peer;
	int fd;

	for (int i = 0; i < ACCEPT_BATCH; i++) {
		int rc;

		if (!listener->ending && !limits_admit_handshake(listener->worker)) {
			pause_accepting(listener, HANDSHAKES_MS);
			return false;
		}
		rc = socket_accept(listener->watch.fd, &fd, &peer);
		if (rc == ERR_LIMIT) {
			run_out(listener);
		}
		if (rc != 0) {
			return false;
		}
		take(listener, fd, &peer);
	}
	return true;
}

/* All of it, at the end; bounded, as new ones may come as fast as we take them. */
static void take_queue(struct listener *listener)
{
	listener->ending = true;
	for (int i = 0; i < QUEUE_BATCHES && listener->serving && take_batch(listener);
	     i++) {
	}
}

static void on_connection(struct watch *watch, uint32_t events)
{
	struct listener *listener = LIST_OWNER(watch, struct listener, watch);

	(void)events;
	if (!list_empty(&listener->link)) {
		(void)take_batch(listener);
	}
}

static void on_retry(struct timer *timer)
{
	struct listener *listener = LIST_OWNER(timer, struct listener, retry);

	/* All workers have the same Unix socket: one of them is enough for each. */
	if (loop_add(listener->worker->loop, &listener->watch,
	    EPOLLIN | EPOLLEXCLUSIVE) != 0) {
		log_say(LOG_ERROR, "cannot watch a listening socket: %s",
		    strerror(errno));
		timer_set(&listener->worker->loop->timers, timer,
		    listener->worker->loop->now_ms + RETRY_MS);
	}
}

void listener_take(struct worker *worker, struct channel_message *message)
{
	struct listener *listener = memory_new(1, sizeof(*listener));

	listener->worker = worker;
	listener->id = message->number;
	listener->watch = (struct watch){ .fd = message->fds[0], .fn = on_connection };
	message->fds[0] = -1;
	timer_init(&listener->retry, on_retry);
	list_append(&worker->listeners, &listener->link);
}

static void start(struct listener *listener, const struct config_listener *config)
{
	listener->config = config;
	listener->port = config->port;
	if (!listener->serving) {
		listener->serving = true;
		on_retry(&listener->retry);
	}
}

static void free_listener(struct deferred *later)
{
	free(LIST_OWNER(later, struct listener, later));
}

static void close_listener(struct listener *listener)
{
	if (listener->serving) {
		loop_remove(listener->worker->loop, &listener->watch);
	}
	timer_cancel(&listener->retry);
	close(listener->watch.fd);
	list_remove(&listener->link);
	/* An event of this round may still come: it is freed at the end of it. */
	deferred_init(&listener->later, free_listener);
	loop_defer(listener->worker->loop, &listener->later);
}

/* What the generation says of the listener of that id, or NULL. */
static const struct config_listener *find(const struct generation_message *message,
    uint32_t id)
{
	for (size_t i = 0; i < message->config->listener_count; i++) {
		if (message->listeners[i].id == id) {
			return &message->config->listeners[i];
		}
	}
	return NULL;
}

void listeners_serve(struct worker *worker, const struct generation_message *message)
{
	for (struct list *link = worker->listeners.next; link != &worker->listeners;) {
		struct listener *listener = LIST_OWNER(link, struct listener, link);
		const struct config_listener *wanted = find(message, listener->id);

		link = link->next;
		if (wanted != NULL) {
			start(listener, wanted);
		} else {
			take_queue(listener);
			close_listener(listener);
		}
	}
}

void listeners_take_queues(struct worker *worker)
{
	for (struct list *link = worker->listeners.next; link != &worker->listeners;
	    link = link->next) {
		take_queue(LIST_OWNER(link, struct listener, link));
	}
}

void listeners_close(struct worker *worker)
{
	while (!list_empty(&worker->listeners)) {
		close_listener(LIST_OWNER(worker->listeners.next, struct listener, link));
	}
}
