/* SPDX-License-Identifier: MIT */
/* The exchanges of a worker. */
#include "worker/exchanges.h"

#include <stdlib.h>

#include "exchange/stage.h"
#include "site/site.h"
#include "worker/chain.h"
#include "worker/dispatch.h"
#include "worker/generation.h"
#include "worker/worker.h"

/* An exchange, and what the worker keeps with it. */
struct ticket {
	struct exchange exchange;	/* first: what is given out */
	struct list link;		/* of worker.parted or worker.finished */
	struct timer deadline;
	struct worker *worker;
	struct site_chain *chain;	/* that it uses; NULL: none */
};

static struct ticket *ticket_of(struct exchange *exchange)
{
	return (struct ticket *)exchange;
}

/* Each piece of a body that streams has moved the deadline, and while we wait for the
 * next one the handler has nothing to do. */
static void on_deadline(struct timer *timer)
{
	struct ticket *ticket = LIST_OWNER(timer, struct ticket, deadline);
	struct exchange *exchange = &ticket->exchange;
	struct loop *loop = ticket->worker->loop;

	if (upload_awaits(exchange)) {
		exchange->deadline_ms = loop->now_ms + dispatch_timeout_ms(exchange);
	}
	if (exchange->deadline_ms > loop->now_ms) {
		timer_set(&loop->timers, timer, exchange->deadline_ms);
	} else {
		exchange_expire(exchange);
	}
}

struct exchange *worker_take_exchange(struct worker *worker)
{
	struct ticket *ticket;

	if (worker->spare_count > 0) {
		return worker->spares[--worker->spare_count];
	}
	ticket = calloc(1, sizeof(*ticket));
	if (ticket == NULL) {
		return NULL;
	}
	ticket->worker = worker;
	ticket->exchange.body.tally = &worker->held;
	ticket->exchange.pieces.tally = &worker->held;
	list_init(&ticket->link);
	timer_init(&ticket->deadline, on_deadline);
	return &ticket->exchange;
}

void exchange_use_chain(struct exchange *exchange, struct site_chain *chain)
{
	ticket_of(exchange)->chain = chain;
	site_chain_use(chain);
}

void exchange_leave_chain(struct exchange *exchange)
{
	struct ticket *ticket = ticket_of(exchange);

	if (ticket->chain != NULL) {
		site_chain_leave(ticket->chain);
		ticket->chain = NULL;
	}
}

/* Also those within, whose filters may have let it have what it was about to send. */
static void recycle(struct worker *worker, struct exchange *exchange)
{
	struct generation *origin = exchange->origin;
	struct exchange *inner = exchange->stage == NULL ? NULL : exchange->stage->inner;

	chain_release(exchange);
	exchange_leave_chain(exchange);
	exchange->origin = NULL;
	if (worker->spare_count < WORKER_SPARES) {
		exchange_reset(exchange);
		worker->spares[worker->spare_count++] = exchange;
	} else {
		exchange_release(exchange);
		free(ticket_of(exchange));
	}
	if (inner != NULL) {
		recycle(worker, inner);
	}
	generation_unref(origin);
}

/* The handler has finished what nobody waits for, and may be in the midst of a
 * callback. */
static void on_finished(struct exchange *exchange)
{
	struct ticket *ticket = ticket_of(exchange);
	struct worker *worker = ticket->worker;

	list_remove(&ticket->link);
	list_append(&worker->finished, &ticket->link);
	loop_defer(worker->loop, &worker->recycling);
}

/* The facts of a connection went with it. */
static const char *no_info(const struct exchange *exchange, const char *key)
{
	(void)exchange;
	(void)key;
	return NULL;
}

static const struct exchange_ops parted_ops = { .wake = on_finished, .info = no_info };

void worker_give_exchange(struct worker *worker, struct exchange *exchange)
{
	struct ticket *ticket = ticket_of(exchange);

	/* Its connection may go before it does. */
	buffer_count(&exchange->body, &worker->held);
	for (struct exchange *at = exchange; at != NULL;
	     at = at->stage == NULL ? NULL : at->stage->inner) {
		timer_cancel(&ticket_of(at)->deadline);
	}
	if (exchange_part(exchange, &parted_ops)) {
		recycle(worker, exchange);
	} else {
		list_append(&worker->parted, &ticket->link);
	}
}

static struct exchange *take_first(struct list *list)
{
	struct ticket *ticket = LIST_OWNER(list->next, struct ticket, link);

	list_remove(&ticket->link);
	return &ticket->exchange;
}

static void recycle_finished(struct deferred *deferred)
{
	struct worker *worker = LIST_OWNER(deferred, struct worker, recycling);

	while (!list_empty(&worker->finished)) {
		recycle(worker, take_first(&worker->finished));
	}
	worker_check_drained(worker);
}

void exchanges_init(struct worker *worker)
{
	list_init(&worker->parted);
	list_init(&worker->finished);
	deferred_init(&worker->recycling, recycle_finished);
}

void exchange_watch(struct exchange *exchange)
{
	struct ticket *ticket = ticket_of(exchange);

	if (exchange->held && exchange->state == EXCHANGE_OPEN) {
		timer_set(&ticket->worker->loop->timers, &ticket->deadline,
		    exchange->deadline_ms);
	}
}

void exchange_unwatch(struct exchange *exchange)
{
	timer_cancel(&ticket_of(exchange)->deadline);
}

void exchanges_disown(struct worker *worker)
{
	for (struct list *link = worker->parted.next; link != &worker->parted;
	     link = link->next) {
		struct ticket *ticket = LIST_OWNER(link, struct ticket, link);

		chain_release(&ticket->exchange);
		exchange_leave_chain(&ticket->exchange);
		generation_unref(ticket->exchange.origin);
		ticket->exchange.origin = NULL;
	}
}

void exchanges_release(struct worker *worker)
{
	while (!list_empty(&worker->parted)) {
		recycle(worker, take_first(&worker->parted));
	}
	while (worker->spare_count > 0) {
		struct exchange *exchange = worker->spares[--worker->spare_count];

		exchange_release(exchange);
		free(ticket_of(exchange));
	}
}
