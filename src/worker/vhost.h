/* SPDX-License-Identifier: MIT */
/* Which virtual host a request is for: by its authority, of all protocols alike. */
#ifndef TINCAN_WORKER_VHOST_H
#define TINCAN_WORKER_VHOST_H

#include "base/error.h"
#include "exchange/exchange.h"
#include "worker/generation.h"

/*
 * The index of the exchange's virtual host, whose name goes into exchange->vhost.
 *
 * @return 0; ERR_INVALID if the request is for a host of another certificate than that
 *	which the client was shown, or which demands another one of the client than it
 *	was asked for (RFC 9110 section 15.5.20)
 */
int vhost_choose(const struct generation *generation, struct exchange *exchange,
    size_t *vhost) MUST_USE;

#endif
