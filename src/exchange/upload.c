/* SPDX-License-Identifier: MIT */
/* A request's body on its way to a handler that takes it in pieces. */
#include "exchange/upload.h"

#include "exchange/exchange.h"
#include "exchange/stage.h"

/* Filters share a request, and so its body. */
static struct exchange *outermost(const struct exchange *exchange)
{
	while (exchange->outer != NULL) {
		exchange = exchange->outer;
	}
	return (struct exchange *)exchange;
}

/* It is for who answers, behind all filters. */
static struct exchange *innermost(const struct exchange *exchange)
{
	while (exchange->stage != NULL && exchange->stage->inner != NULL) {
		exchange = exchange->stage->inner;
	}
	return (struct exchange *)exchange;
}

bool upload_is_on(const struct exchange *exchange)
{
	return outermost(exchange)->upload.on;
}

void upload_begin(struct exchange *exchange, uint64_t max)
{
	outermost(exchange)->upload = (struct upload){ .on = true, .max = max };
}

void upload_begin_whole(struct exchange *exchange)
{
	upload_begin(exchange, UINT64_MAX);
	outermost(exchange)->upload.whole = true;
}

bool upload_takes(const struct exchange *exchange)
{
	const struct exchange *outer = outermost(exchange);

	return outer->upload.on && !outer->upload.done &&
	    outer->state <= EXCHANGE_STARTED &&
	    innermost(exchange)->state <= EXCHANGE_STARTED;
}

/* Can the handler side have some now? It may not have the exchange yet. */
static bool is_open(const struct exchange *exchange)
{
	const struct exchange_handler_ops *handler = innermost(exchange)->handler_ops;

	return upload_takes(exchange) && !outermost(exchange)->upload.paused &&
	    handler != NULL && handler->body != NULL;
}

bool upload_wants(const struct exchange *exchange)
{
	return !upload_takes(exchange) ||
	    (is_open(exchange) && outermost(exchange)->body.size == 0);
}

bool upload_invited(const struct exchange *exchange)
{
	if (!exchange->upload.on) {
		return exchange->state == EXCHANGE_OPEN && !exchange->deciding;
	}
	return upload_takes(exchange) &&
	    (upload_wants(exchange) || exchange->state == EXCHANGE_STARTED);
}

bool upload_awaits(const struct exchange *exchange)
{
	return upload_takes(exchange) && upload_wants(exchange) &&
	    !outermost(exchange)->upload.whole;
}

size_t upload_waiting(const struct exchange *exchange)
{
	return upload_takes(exchange) ? outermost(exchange)->body.size : 0;
}

/* A piece of size 0 is worth a call only if it is the last. */
static void deliver(struct exchange *exchange, struct slice bytes, bool last)
{
	struct exchange *inner = innermost(exchange);

	if (bytes.size > 0 || last) {
		exchange->upload.done = last;
		inner->handler_ops->body(inner, bytes, last);
	}
}

static int keep(struct exchange *exchange, struct slice bytes, const char **reason)
{
	if (buffer_append(&exchange->body, bytes.data, bytes.size) != 0) {
		*reason = "out of memory";
		return 503;
	}
	return 0;
}

int upload_feed(struct exchange *exchange, struct slice bytes, bool last,
    const char **reason)
{
	struct upload *upload;

	exchange = outermost(exchange);
	upload = &exchange->upload;
	if (!upload_takes(exchange)) {
		return 0;
	}
	if (bytes.size > upload->max - upload->received) {
		return exchange_refuse_length(reason);
	}
	upload->received += bytes.size;
	upload->whole = last;
	if (!upload_wants(exchange)) {
		return keep(exchange, bytes, reason);
	}
	deliver(exchange, bytes, last);
	return 0;
}

void upload_go_on(struct exchange *exchange)
{
	struct exchange *outer = outermost(exchange);
	struct upload *upload = &outer->upload;
	struct buffer *queue = &outer->body;

	while (is_open(outer) && (queue->size > 0 || upload->whole)) {
		struct slice bytes = buffer_slice(queue);

		if (bytes.size > UPLOAD_PIECE) {
			bytes.size = UPLOAD_PIECE;
		}
		deliver(outer, bytes, upload->whole && bytes.size == queue->size);
		buffer_consume(queue, bytes.size);
	}
}

int upload_pause(struct exchange *exchange, bool on)
{
	struct exchange *outer = outermost(exchange);
	struct upload *upload = &outer->upload;

	if (!upload->on || exchange->state > EXCHANGE_STARTED) {
		return exchange_abandoned(exchange) ? ERR_CLOSED : ERR_INVALID;
	}
	if (upload->paused != on) {
		upload->paused = on;
		if (!on) {
			outer->ops->wake(outer);
		}
	}
	return 0;
}
