/* SPDX-License-Identifier: MIT */
/*
 * The filters that a request meets on its way to who answers it: a stage for each, made
 * one after the other as each lets it go on. A request that meets none has no chain.
 * Lifetime: request.
 */
#ifndef TINCAN_WORKER_CHAIN_H
#define TINCAN_WORKER_CHAIN_H

#include "exchange/exchange.h"
#include "site/site.h"
#include "worker/worker.h"

void chains_init(struct worker *worker);

/* Begins with the first filter, as the header of the exchange's request is complete. The
 * exchange is deciding until the last one has let it go on. */
void chain_begin(struct worker *worker, struct exchange *exchange,
    const struct site_chain *filters);

/* The request is complete, body and all: who answers it may have it, now or later. */
void chain_complete(struct exchange *exchange);

/* The innermost exchange so far; that one itself if it meets no filters. */
struct exchange *chain_last(struct exchange *exchange);

/* Who has answered, or would: a filter or a route; NULL: the server. */
const struct site_route *chain_answerer(const struct exchange *exchange);

/* The exchange is about to be used again: tells all its filters so, once. */
void chain_release(struct exchange *exchange);

#endif
