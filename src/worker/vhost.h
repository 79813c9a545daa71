/* SPDX-License-Identifier: MIT */
/* Which virtual host a request is for: by its authority, of all protocols alike. */
#ifndef TINCAN_WORKER_VHOST_H
#define TINCAN_WORKER_VHOST_H

#include "exchange/exchange.h"
#include "worker/generation.h"

/* The router of the exchange's virtual host, whose name goes into exchange->vhost. */
const struct router *vhost_router(const struct generation *generation,
    struct exchange *exchange);

#endif
