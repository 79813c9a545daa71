/* SPDX-License-Identifier: MIT */
/*
 * The table behind tc.ext("tincan.bus/1"), and the subscriptions of the instances in this
 * process. Who carries the messages is the process's own: a worker reads and writes
 * rings, a host asks its worker. Names are as in ipc/bus_ring.h.
 */
#ifndef TINCAN_PLUGIN_BUS_H
#define TINCAN_PLUGIN_BUS_H

#include <stdint.h>

#include "base/slice.h"
#include "tincan/bus.h"

struct instance;

/* How messages come into this process and leave it. */
struct bus_carrier {
	/* From now on messages of that name are given to bus_deliver; asked for once a
	 * name. ERR_NOMEM. */
	int (*subscribe)(void *arg, struct slice name);
	void (*unsubscribe)(void *arg, struct slice name);
	/* At most BUS_DATA_MAX bytes; not delivered within the call. ERR_NOMEM. */
	int (*publish)(void *arg, struct slice name, struct slice data);
	void *arg;
};

/* Before any plugin is opened; without it there is no such table. Borrowed for ever. */
void bus_serve(const struct bus_carrier *carrier);

/* The table of that id, or NULL. */
const void *bus_ext(const char *id);

/* Calls those who have subscribed. lost: messages of that name that were lost before. */
void bus_deliver(struct slice name, struct slice data, uint64_t lost);

/* Ends the subscriptions of an instance that ends. */
void bus_leave(struct instance *instance);

#endif
