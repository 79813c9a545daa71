/* SPDX-License-Identifier: MIT */
/*
 * The bus in a worker: it writes a ring of its own, reads those of all workers while
 * anybody here listens, and hands on what is heard to handlers in this process and to
 * hosts. Nothing waits for anybody: who is too slow misses messages and is told how many.
 * Names are as in ipc/bus_ring.h. Lifetime: boot.
 */
#ifndef TINCAN_WORKER_BUS_H
#define TINCAN_WORKER_BUS_H

#include <stddef.h>

#include "base/error.h"
#include "base/list.h"
#include "base/slice.h"

struct bus;
struct remote;
struct worker;
struct worker_setup;

/* Who listens: a host, or all handlers that run in this process. */
struct bus_peer {
	struct remote *remote;		/* NULL: the handlers of this process */
	struct list listeners;
	size_t count;
};

/* Serves the handlers of this process, too. Aborts when out of memory. */
struct bus *bus_new(struct worker *worker, const struct worker_setup *setup);

/* Every peer has been silenced. NULL is accepted. */
void bus_free(struct bus *bus);

void bus_peer_init(struct bus_peer *peer);

/* The peer gets messages of that name from now on. ERR_NOMEM; ERR_LIMIT: more than
 * BUS_SUBSCRIPTIONS. */
int bus_listen(struct bus *bus, struct bus_peer *peer, struct slice name) MUST_USE;

/* No more, of that name or at all. */
void bus_unlisten(struct bus *bus, struct bus_peer *peer, struct slice name);
void bus_silence(struct bus *bus, struct bus_peer *peer);

/* To all who listen, in a later round. ERR_LIMIT: more than BUS_DATA_MAX. */
int bus_publish(struct bus *bus, struct slice name, struct slice data) MUST_USE;

#endif
