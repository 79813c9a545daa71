/* SPDX-License-Identifier: MIT */
/*
 * The descriptors that a handler watches (tc.watch). A watch belongs to the instance
 * whose callback made it, and ends with it. Lifetime: until it is taken back, or its
 * instance is closed.
 */
#ifndef TINCAN_PLUGIN_WATCH_H
#define TINCAN_PLUGIN_WATCH_H

#include <stdint.h>

#include "os/loop.h"
#include "tincan/handler.h"

struct instance;

/* Calls fn(arg, events) on the loop each time fd is ready for some of events (TC_READ,
 * TC_WRITE). NULL: out of memory, no such events, or a descriptor that cannot be watched
 * or is. */
tc_watch *watch_new(struct instance *instance, struct loop *loop, int fd, uint32_t events,
    void (*fn)(void *arg, uint32_t events), void *arg);

/* It is called no more; before its descriptor is closed. NULL is accepted, and so is the
 * one that is called just now. */
void watch_end(tc_watch *watch);

/* Ends all of an instance. */
void watches_end(struct list *watches);

#endif
