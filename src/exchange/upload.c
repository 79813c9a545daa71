/* SPDX-License-Identifier: MIT */
/* A request's body on its way to a handler that takes it in pieces. */
#include "exchange/upload.h"

#include "exchange/exchange.h"

void upload_begin(struct exchange *exchange, uint64_t max)
{
	exchange->upload = (struct upload){ .on = true, .max = max };
}

void upload_begin_whole(struct exchange *exchange)
{
	upload_begin(exchange, UINT64_MAX);
	exchange->upload.whole = true;
}

bool upload_takes(const struct exchange *exchange)
{
	return exchange->upload.on && !exchange->upload.done &&
	    exchange->state <= EXCHANGE_STARTED;
}

/* Can the handler side have some now? It may not have the exchange yet. */
static bool is_open(const struct exchange *exchange)
{
	const struct exchange_handler_ops *handler = exchange->handler_ops;

	return upload_takes(exchange) && !exchange->upload.paused && handler != NULL &&
	    handler->body != NULL;
}

bool upload_wants(const struct exchange *exchange)
{
	return !upload_takes(exchange) ||
	    (is_open(exchange) && exchange->body.size == 0);
}

bool upload_awaits(const struct exchange *exchange)
{
	return upload_takes(exchange) && upload_wants(exchange) &&
	    !exchange->upload.whole;
}

size_t upload_waiting(const struct exchange *exchange)
{
	return upload_takes(exchange) ? exchange->body.size : 0;
}

/* A piece of size 0 is worth a call only if it is the last. */
static void deliver(struct exchange *exchange, struct slice bytes, bool last)
{
	if (bytes.size > 0 || last) {
		exchange->upload.done = last;
		exchange->handler_ops->body(exchange, bytes, last);
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
	struct upload *upload = &exchange->upload;

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
	struct upload *upload = &exchange->upload;
	struct buffer *queue = &exchange->body;

	while (is_open(exchange) && (queue->size > 0 || upload->whole)) {
		struct slice bytes = buffer_slice(queue);

		if (bytes.size > UPLOAD_PIECE) {
			bytes.size = UPLOAD_PIECE;
		}
		deliver(exchange, bytes, upload->whole && bytes.size == queue->size);
		buffer_consume(queue, bytes.size);
	}
}

int upload_pause(struct exchange *exchange, bool on)
{
	struct upload *upload = &exchange->upload;

	if (!upload->on || exchange->state > EXCHANGE_STARTED) {
		return exchange_abandoned(exchange) ? ERR_CLOSED : ERR_INVALID;
	}
	if (upload->paused != on) {
		upload->paused = on;
		if (!on) {
			exchange->ops->wake(exchange);
		}
	}
	return 0;
}
