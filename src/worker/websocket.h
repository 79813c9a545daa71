/* SPDX-License-Identifier: MIT */
/*
 * From a request to a WebSocket, over HTTP/1.1 (RFC 6455 section 4) or HTTP/2 (RFC 8441):
 * who may have one, and what the answer says.
 */
#ifndef TINCAN_WORKER_WEBSOCKET_H
#define TINCAN_WORKER_WEBSOCKET_H

#include "worker/line.h"

/* Does a request that is routed ask for a WebSocket, from a handler that has them? */
bool websocket_wanted(const struct exchange *exchange);

/* Refuses, while there are filters to see the reply, what websocket_new would refuse.
 * True: it has nothing against it. */
bool websocket_judge(const struct worker *worker, struct exchange *exchange) MUST_USE;

/*
 * A line for the request, which is complete; websocket_connect then brings it to the
 * handler. NULL: refused, the exchange has the answer.
 */
struct line *websocket_new(struct worker *worker, struct exchange *exchange,
    const struct line_ops *ops, void *carrier);
void websocket_connect(struct line *line, struct exchange *exchange);

/* The handler has taken it: makes the reply's header what says so. ERR_LIMIT,
 * ERR_NOMEM. */
int websocket_accept(struct line *line, struct exchange *exchange) MUST_USE;

#endif
