/* SPDX-License-Identifier: MIT */
/* One request and its reply: its life, who holds it, its body. */
#include "exchange/exchange_parts.h"

/* A larger body's memory is given back after the request. */
#define EXCHANGE_KEPT_BODY 65536

static void clear(struct exchange *exchange)
{
	exchange->arena.max = EXCHANGE_MEMORY;
	reply_init(&exchange->reply, &exchange->arena);
	exchange->written = 0;
	exchange->state = EXCHANGE_OPEN;
	exchange->match.value = NULL;
	exchange->match.pattern = NULL;
	exchange->vhost = NULL;
	exchange->match.params = 0;
	exchange->match.tail = SLICE("");
	exchange->instance = NULL;
	exchange->upgrade = false;
	exchange->upload = (struct upload){ 0 };
	exchange->deciding = false;
	exchange->borrowed = false;
	exchange->id[0] = '\0';
	exchange->started_us = 0;
	exchange->deadline_ms = 0;
	exchange->handler_ops = NULL;
	exchange->call = NULL;
	exchange->held = false;
	exchange->refused = false;
	exchange->unkept = 0;
	exchange->data = NULL;
	exchange->outer = NULL;
	exchange->stage = NULL;
	exchange->edits = NULL;
	exchange->given = NULL;
}

void exchange_init(struct exchange *exchange, const struct exchange_ops *ops,
    void *session)
{
	exchange_reset(exchange);
	exchange->ops = ops;
	exchange->session = session;
}

void exchange_tell_gone(struct exchange *exchange)
{
	const struct exchange_handler_ops *handler = exchange->handler_ops;

	exchange->handler_ops = NULL;
	if (handler != NULL) {
		handler->gone(exchange);
	}
}

void exchange_reset(struct exchange *exchange)
{
	exchange_tell_gone(exchange);
	pieces_release(&exchange->pieces);
	arena_reset(&exchange->arena);
	if (exchange->body.capacity > EXCHANGE_KEPT_BODY) {
		buffer_release(&exchange->body);
	} else {
		buffer_reset(&exchange->body);
	}
	clear(exchange);
}

void exchange_release(struct exchange *exchange)
{
	exchange_tell_gone(exchange);
	pieces_release(&exchange->pieces);
	buffer_release(&exchange->body);
	arena_release(&exchange->arena);
	clear(exchange);
}

void exchange_advance(struct exchange *exchange, enum exchange_state state)
{
	exchange->state = state;
	exchange->ops->wake(exchange);
}

/* The handler has finished, and knows it no more. */
static void let_go(struct exchange *exchange)
{
	exchange->held = false;
	exchange->handler_ops = NULL;
}

void exchange_let_go_late(struct exchange *exchange)
{
	let_go(exchange);
	if (exchange->session == NULL) {
		exchange->ops->wake(exchange);
	}
}

void exchange_finish(struct exchange *exchange, enum exchange_state state)
{
	if (exchange->held) {
		let_go(exchange);
	}
	exchange_advance(exchange, state);
}

void exchange_hold(struct exchange *exchange, const struct exchange_handler_ops *ops)
{
	exchange->held = true;
	exchange->handler_ops = ops;
}

void exchange_taken(struct exchange *exchange)
{
	const struct exchange_handler_ops *handler = exchange->handler_ops;

	if (exchange->refused && exchange->state == EXCHANGE_STARTED &&
	    exchange->pieces.copied <= EXCHANGE_LOW && handler != NULL) {
		exchange->refused = false;
		handler->drain(exchange);
	}
}

bool exchange_part(struct exchange *exchange, const struct exchange_ops *ops)
{
	exchange->ops = ops;
	exchange->state = EXCHANGE_GONE;
	exchange_tell_gone(exchange);
	pieces_release(&exchange->pieces);
	exchange->session = NULL;
	return !exchange->held;
}

void exchange_desert(struct exchange *exchange, const struct exchange_ops *ops)
{
	exchange->held = true;
	(void)!exchange_part(exchange, ops);
}

static const struct exchange *outermost(const struct exchange *exchange)
{
	while (exchange->outer != NULL) {
		exchange = exchange->outer;
	}
	return exchange;
}

const struct buffer *exchange_body(const struct exchange *exchange)
{
	return &outermost(exchange)->body;
}

const struct head *exchange_trailer(const struct exchange *exchange)
{
	return &outermost(exchange)->request.trailer;
}

int exchange_refuse_length(const char **reason)
{
	*reason = "the body is larger than this server takes";
	return 413;
}

int exchange_judge_length(const struct exchange *exchange, const char **reason)
{
	const struct upload *upload = &exchange->upload;
	int64_t length = exchange->request.content_length;
	/* One byte stays free for the NUL behind a whole body. */
	uint64_t most = upload->on ? upload->max : exchange->body.max - 1;

	return length < 0 || (uint64_t)length <= most ? 0 :
	    exchange_refuse_length(reason);
}

int exchange_take_body(struct exchange *exchange, struct slice body, const char **reason)
{
	struct buffer *held = &exchange->body;

	if (held->size + body.size >= held->max) {
		return exchange_refuse_length(reason);
	}
	if (buffer_append(held, body.data, body.size) != 0) {
		*reason = "out of memory";
		return 503;
	}
	return 0;
}

bool exchange_sends_trailer(const struct exchange *exchange)
{
	return exchange->reply.trailer.count > 0 &&
	    head_has_token(&exchange->request.head, SLICE("te"), SLICE("trailers"));
}
