/* SPDX-License-Identifier: MIT */
/*
 * The exchanges of a worker, which owns them all: some spare, some taken by a session,
 * and some whose client has left while a handler in this process still holds them.
 */
#ifndef TINCAN_WORKER_EXCHANGES_H
#define TINCAN_WORKER_EXCHANGES_H

#include "exchange/exchange.h"

struct worker;

void exchanges_init(struct worker *worker);

/* Answers 504 at its deadline, if the handler that holds it has not started by then. */
void exchange_watch(struct exchange *exchange);
void exchange_unwatch(struct exchange *exchange);	/* as long as it likes */

/* The worker ends, whatever handlers still hold: generations get back their references,
 * and so can close; then nobody calls any more, and everything is freed. */
void exchanges_disown(struct worker *worker);
void exchanges_release(struct worker *worker);

#endif
