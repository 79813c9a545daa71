/* SPDX-License-Identifier: MIT */
/*
 * A filter that is tried alone ("tincan try"): behind it stands nobody but us, who tell
 * what got through. In a server filters stand in a worker's chain; this is for a probe.
 * Lifetime: its request's.
 */
#ifndef TINCAN_HOST_ALONE_H
#define TINCAN_HOST_ALONE_H

#include "exchange/exchange.h"
#include "os/loop.h"
#include "plugin/instance.h"

struct alone;

/* Has the instance, which only filters, filter the exchange's request, and later the
 * reply that tells of it. NULL: out of memory, and the request is answered 503. */
struct alone *alone_begin(struct loop *loop, struct instance *instance,
    struct exchange *outer);

/* Before the exchange is used again: the filter's last call; and behind that. Both accept
 * NULL. */
void alone_end(struct alone *alone);
void alone_free(struct alone *alone);

#endif
