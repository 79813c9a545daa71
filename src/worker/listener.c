/* SPDX-License-Identifier: MIT */
/* The listening sockets of a worker. */
#include "worker/listener.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "worker/connection.h"

#define ACCEPT_BATCH 64		/* connections taken before others have their turn */
#define RETRY_MS 100		/* when out of descriptors: try again after */

static void take(struct listener *listener, int fd, const union socket_address *peer)
{
	struct worker *worker = listener->worker;

	if (worker->connection_count >= worker->max_connections) {
		counter_add(&worker->self->refused, 1);
		close(fd);
		return;
	}
	counter_add(&worker->self->accepted, 1);
	connection_new(worker, listener->config, fd, peer);
}

/* The queue stays readable, and the loop would spin, until a descriptor is free again. */
static void pause_accepting(struct listener *listener)
{
	struct worker *worker = listener->worker;

	log_say(LOG_WARN, "out of file descriptors: not accepting for %d ms", RETRY_MS);
	loop_remove(worker->loop, &listener->watch);
	timer_set(&worker->loop->timers, &listener->retry,
	    worker->loop->now_ms + RETRY_MS);
}

static void on_connection(struct watch *watch, uint32_t events)
{
	struct listener *listener = LIST_OWNER(watch, struct listener, watch);
	union socket_address peer;
	int fd;

	(void)events;
	for (int i = 0; i < ACCEPT_BATCH; i++) {
		int rc = socket_accept(watch->fd, &fd, &peer);

		if (rc == ERR_LIMIT) {
			pause_accepting(listener);
		}
		if (rc != 0) {
			return;
		}
		take(listener, fd, &peer);
	}
}

static void on_retry(struct timer *timer)
{
	struct listener *listener = LIST_OWNER(timer, struct listener, retry);

	if (loop_add(listener->worker->loop, &listener->watch, EPOLLIN) != 0) {
		log_say(LOG_ERROR, "cannot watch a listening socket: %s",
		    strerror(errno));
		timer_set(&listener->worker->loop->timers, timer,
		    listener->worker->loop->now_ms + RETRY_MS);
	}
}

int listeners_open(struct worker *worker, const int *fds)
{
	size_t count = worker->config->listener_count;

	worker->listeners = memory_new(count, sizeof(*worker->listeners));
	for (size_t i = 0; i < count; i++) {
		struct listener *listener = &worker->listeners[i];

		listener->worker = worker;
		listener->config = &worker->config->listeners[i];
		listener->watch = (struct watch){ .fd = fds[i], .fn = on_connection };
		timer_init(&listener->retry, on_retry);
		if (loop_add(worker->loop, &listener->watch, EPOLLIN) != 0) {
			return ERR_SYSTEM;
		}
	}
	return 0;
}

void listeners_close(struct worker *worker)
{
	for (size_t i = 0; i < worker->config->listener_count; i++) {
		struct listener *listener = &worker->listeners[i];

		on_connection(&listener->watch, EPOLLIN);
		loop_remove(worker->loop, &listener->watch);
		timer_cancel(&listener->retry);
		close(listener->watch.fd);
	}
}
