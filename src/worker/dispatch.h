/* SPDX-License-Identifier: MIT */
/*
 * From a request to who answers it: the server itself (redirects, OPTIONS, 404, 405, ...)
 * or a handler. The same for every protocol.
 */
#ifndef TINCAN_WORKER_DISPATCH_H
#define TINCAN_WORKER_DISPATCH_H

#include "exchange/duplex.h"
#include "exchange/exchange.h"
#include "site/site.h"
#include "worker/worker.h"

/* An id that no other request of this worker has. */
void dispatch_new_id(struct worker *worker, char id[EXCHANGE_ID_BYTES]);

/* Gives the exchange its id and start. dispatch_begin does it; for requests that are
 * refused before they can be routed. */
void dispatch_identify(struct worker *worker, struct exchange *exchange);

/* Routes a request whose header is complete. Afterwards the exchange is still open if a
 * handler will answer, once the body is there. */
void dispatch_begin(struct worker *worker, struct exchange *exchange);

/* Calls the handler of a request that is complete, but for a body that streams, when its
 * filters have let it go on. */
void dispatch_call(struct worker *worker, struct exchange *exchange);

/*
 * The steps of these, for the chain of filters: lets a filter have the outer exchange of
 * its stage; behind the last one, answers an exchange that is routed, unless a handler
 * will; calls that handler.
 */
void dispatch_filter(struct worker *worker, const struct site_route *filter,
    struct stage *stage);
void dispatch_answer(struct worker *worker, struct exchange *exchange);
void dispatch_handler(struct worker *worker, struct exchange *exchange);

/* A piece of a body that streams, as upload_feed has it. The handler's time begins
 * anew. */
int dispatch_body(struct worker *worker, struct exchange *exchange, struct slice bytes,
    bool last, const char **reason) MUST_USE;

/* How long the handler of a routed request may take. */
uint32_t dispatch_timeout_ms(const struct exchange *exchange);

/* Connects a duplex with the handler of a route, which answers by its opened, maybe at
 * once. The upgrade is the request for a WebSocket; NULL for a stream. */
void dispatch_connect(const struct site_route *route, struct duplex *duplex,
    struct exchange *upgrade);

/* Who answered, as an index on the scoreboard and by name. */
uint32_t dispatch_count_as(const struct exchange *exchange);
const char *dispatch_handler_name(const struct exchange *exchange);

#endif
