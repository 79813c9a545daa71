/* SPDX-License-Identifier: MIT */
/*
 * From a request to who answers it: the server itself (redirects, OPTIONS, 404, 405, ...)
 * or a handler. The same for every protocol.
 */
#ifndef TINCAN_WORKER_DISPATCH_H
#define TINCAN_WORKER_DISPATCH_H

#include "exchange/exchange.h"
#include "worker/worker.h"

/* Gives the exchange its id and start. dispatch_begin does it; for requests that are
 * refused before they can be routed. */
void dispatch_identify(struct worker *worker, struct exchange *exchange);

/* Routes a request whose header is complete. Afterwards the exchange is still open if a
 * handler will answer, once the body is there. */
void dispatch_begin(struct worker *worker, struct exchange *exchange);

/* Calls the handler of a request that is complete. */
void dispatch_call(struct worker *worker, struct exchange *exchange);

/* Who answered, as an index on the scoreboard and by name. */
uint32_t dispatch_count_as(const struct exchange *exchange);
const char *dispatch_handler_name(const struct exchange *exchange);

#endif
