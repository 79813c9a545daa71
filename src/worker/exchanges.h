/* SPDX-License-Identifier: MIT */
/*
 * The exchanges of a worker, which owns them all: some spare, some taken by a session,
 * and some whose client has left while a handler in this process still holds them.
 */
#ifndef TINCAN_WORKER_EXCHANGES_H
#define TINCAN_WORKER_EXCHANGES_H

#include "exchange/exchange.h"

struct site_chain;
struct worker;

void exchanges_init(struct worker *worker);

/* It is on its way through the chain, and so keeps who is there; until it is given back,
 * or has got past all of them: a WebSocket has a hold on its handler of its own. */
void exchange_use_chain(struct exchange *exchange, struct site_chain *chain);
void exchange_leave_chain(struct exchange *exchange);

/* Answers 504 at its deadline, if the handler that holds it has not started by then. */
void exchange_watch(struct exchange *exchange);
void exchange_unwatch(struct exchange *exchange);	/* as long as it likes */

/* The worker ends, whatever handlers still hold: generations get back their references,
 * and so can close; then nobody calls any more, and everything is freed. */
void exchanges_disown(struct worker *worker);
void exchanges_release(struct worker *worker);

#endif
