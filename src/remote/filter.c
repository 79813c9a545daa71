/* SPDX-License-Identifier: MIT */
/* A filter in a host, seen from a worker. */
#include "remote/filter.h"

#include <stdlib.h>

#include "exchange/fields.h"
#include "exchange/stage.h"
#include "ipc/pack.h"
#include "remote/call_state.h"
#include "remote/reply.h"

/* Nothing that the host may still say moves the exchange. */
static void let_exchange_go(struct call *call)
{
	if (call->exchange != NULL) {
		call->exchange->call = NULL;
		call->exchange = NULL;
	}
	timer_cancel(&call->timer);
}

/* A small body, which is in memory: it goes along at once. */
static int pack_small(struct buffer *out, const struct call *call)
{
	struct exchange *inner = call->stage->inner;
	struct pieces *pieces = &inner->pieces;
	struct slice bytes;
	int rc = 0;

	while (rc == 0 && pieces->left > 0) {
		rc = pieces_peek(pieces, NULL, FRAME_DATA_MAX, &bytes);
		rc = rc != 0 ? rc : frame_append(out, FRAME_DATA, 0, 0, call->id, bytes);
		if (rc == 0) {
			pieces_consume(pieces, bytes.size);
		}
	}
	return rc != 0 ? rc : reply_pack_end(out, call->id, inner);
}

static int send_reply(struct call *call)
{
	struct buffer *out = link_out(call->remote->link);
	struct exchange *inner = call->stage->inner;
	bool small = call->wants_body && reply_is_small(inner) &&
	    http_reply_has_body(inner->request.method_id, inner->reply.status);
	int rc = reply_pack_seen(out, call->id, inner, small);

	if (rc == 0 && small) {
		rc = pack_small(out, call);
		call->body_sent = true;
	}
	link_flush(call->remote->link);
	call_set_timer(call, call->timeout_ms);
	return rc != 0 ? rc : ERR_AGAIN;
}

static int ask_reply(struct stage *stage, int status)
{
	struct call *call = stage->arg;

	(void)status;
	/* Only one that has said all may have lost its host meanwhile. */
	if (call == NULL || !call->wants_reply) {
		return 0;
	}
	/* Its end is about to be told. */
	return remote_has_host(call->remote) ? send_reply(call) : ERR_AGAIN;
}

/* 0, and more may come; ERR_EOF: that was all; ERR_AGAIN: for now. */
static int send_piece(struct call *call, char *scratch)
{
	struct exchange *inner = call->stage->inner;
	size_t most = (uint32_t)call->credit < FRAME_DATA_MAX ? (uint32_t)call->credit
	    : FRAME_DATA_MAX;
	struct slice bytes;
	int rc = pieces_peek(&inner->pieces, scratch, most, &bytes);

	if (rc == ERR_EOF) {
		return inner->state == EXCHANGE_STARTED ? ERR_AGAIN : ERR_EOF;
	}
	rc = rc != 0 ? rc : frame_append(link_out(call->remote->link), FRAME_DATA, 0, 0,
	    call->id, bytes);
	if (rc == 0) {
		call->credit -= (int32_t)bytes.size;
		pieces_consume(&inner->pieces, bytes.size);
	}
	return rc;
}

static int send_pieces(struct call *call, char *scratch)
{
	int rc = 0;

	while (rc == 0) {
		rc = call->credit <= 0 || link_crowded(call->remote->link) ? ERR_AGAIN :
		    send_piece(call, scratch);
	}
	return rc;
}

/* Sends of the body what the host takes. */
static void send_more(struct stage *stage)
{
	struct call *call = stage->arg;
	char *scratch;
	int rc;

	if (call->body_sent || call->credit <= 0 || !remote_has_host(call->remote)) {
		return;
	}
	scratch = malloc(FRAME_DATA_MAX);
	rc = scratch == NULL ? ERR_NOMEM : send_pieces(call, scratch);
	free(scratch);
	if (rc == ERR_EOF) {
		call->body_sent = true;
		rc = reply_pack_end(link_out(call->remote->link), call->id, stage->inner);
	}
	link_flush(call->remote->link);
	if (rc < 0 && rc != ERR_AGAIN) {
		exchange_overrule(stage->outer, 502, NULL);
		return;
	}
	exchange_taken(stage->inner);
}

static void leave(struct stage *stage, unsigned flags)
{
	struct call *call = stage->arg;

	call->stage = NULL;
	stage->seen = false;
	let_exchange_go(call);
	call_cancel(call, flags);
}

static void on_gone(struct stage *stage)
{
	leave(stage, 0);
}

static void on_done(struct stage *stage)
{
	leave(stage, FRAME_LAST);
}

static const struct stage_filter filter = { .reply = ask_reply, .more = send_more,
	.gone = on_gone, .done = on_done };

void filter_begin(struct call *call)
{
	struct stage *stage = call->exchange->stage;

	call->stage = stage;
	call->wants_reply = stage->unasked;
	call->wants_body = stage->unasked && stage->pieces;
	/* What the host passes is a reply for us. */
	stage->pieces = false;
	stage->filter = &filter;
	stage->arg = call;
}

void filter_sent(struct call *call)
{
	struct stage *stage = call->stage;

	if (stage == NULL || !stage->unasked) {
		return;
	}
	timer_cancel(&call->timer);
	call->state = CALL_LATER;
	stage->seen = true;
	/* It is the first to say anything about the request. */
	(void)!stage_next(stage);
}

void filter_part(struct call *call)
{
	if (call->stage != NULL) {
		call->stage->seen = false;
		call->stage->arg = NULL;
		call->stage = NULL;
	}
}

void filter_wake(struct exchange *exchange)
{
	if (exchange->stage != NULL) {
		exchange->stage->ops->wake(exchange->stage);
	}
}

/* What the host says of the header is all of it. */
static void clear_header(struct exchange *outer)
{
	struct head *head = &outer->reply.head;

	head_init(head, &outer->arena, head->max_bytes, head->max_fields);
	outer->reply.content_length = -1;
	outer->edits = NULL;
}

int filter_may_answer(struct call *call)
{
	struct stage *stage = call->stage;

	if (stage == NULL || call->exchange == NULL ||
	    call->exchange->state != EXCHANGE_OPEN) {
		return 0;
	}
	/* Of one that is not asked its process may refuse at any time. */
	if (!stage_may_reply(stage) && !stage->unasked) {
		return ERR_PROTOCOL;
	}
	clear_header(call->exchange);
	if (stage->state != STAGE_ASKED) {
		stage_part(stage, false);
	}
	return 0;
}

static int take_edit(struct unpack *in, struct exchange *outer)
{
	uint8_t kind = unpack_u8(in);
	bool valued = unpack_u8(in) != 0;
	const char *name = unpack_string(in);
	const char *value = unpack_string(in);

	return in->failed || kind >= EDIT_KINDS ? ERR_PROTOCOL :
	    edits_do(outer, (enum edit_kind)kind, name, valued ? value : NULL);
}

static int take_edits(struct unpack *in, struct exchange *outer)
{
	uint32_t count = unpack_u32(in);
	int rc = 0;

	for (uint32_t i = 0; i < count && rc == 0; i++) {
		rc = take_edit(in, outer);
	}
	if (rc == 0 && !unpack_done(in)) {
		rc = ERR_PROTOCOL;
	}
	return rc == ERR_INVALID ? ERR_PROTOCOL : rc;
}

int filter_take_next(struct call *call, const struct frame *frame)
{
	struct unpack in = { .rest = frame->payload };
	struct stage *stage = call->stage;
	int rc;

	if (call->state == CALL_SENT) {
		call_count_answer(call);
		call->state = CALL_LATER;
	}
	if (call->exchange == NULL) {
		return 0;
	}
	if (stage == NULL || stage->state != STAGE_ASKED ||
	    call->state != CALL_LATER || call->exchange->state != EXCHANGE_OPEN) {
		return ERR_PROTOCOL;
	}
	timer_cancel(&call->timer);
	rc = take_edits(&in, call->exchange);
	if (rc == ERR_PROTOCOL) {
		return rc;
	}
	call->wants_reply = frame->header.flags & FRAME_MORE;
	call->wants_body = frame->header.flags & FRAME_PIECES;
	stage->seen = true;
	if (rc == 0) {
		rc = stage_next(stage);
	}
	if (rc != 0) {
		exchange_overrule(call->exchange, 500, "the header is too large");
		leave(stage, 0);
	} else if (!call->wants_reply) {
		/* It has said all: its host may die. */
		let_exchange_go(call);
	}
	return 0;
}

/* Those that no filter can have seen. */
static int keep_framing(struct exchange *outer, const struct head *from)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < from->count; i++) {
		if (fields_framing(head_name(from, i))) {
			rc = head_add(&outer->reply.head, head_name(from, i),
			    head_value(from, i));
		}
	}
	return rc;
}

/* The filter has the body, and says the rest of the reply. */
static int part(struct call *call)
{
	struct stage *stage = call->stage;
	int rc;

	stage_part(stage, true);
	rc = exchange_start(call->exchange, stage->inner->reply.status, NULL);
	timer_cancel(&call->timer);
	call->state = CALL_STARTED;
	return rc == ERR_INVALID ? ERR_PROTOCOL : rc;
}

int filter_take_pass(struct call *call, const struct frame *frame)
{
	struct stage *stage = call->stage;
	struct exchange *outer = call->exchange;
	int rc;

	if (outer == NULL) {
		return 0;
	}
	if (stage == NULL || stage->state != STAGE_REPLYING ||
	    outer->state != EXCHANGE_OPEN) {
		return ERR_PROTOCOL;
	}
	clear_header(outer);
	rc = reply_take_pass(frame, outer);
	rc = rc != 0 ? rc : keep_framing(outer, &stage->inner->reply.head);
	if (rc == 0 && (frame->header.flags & FRAME_MORE)) {
		return call->wants_body ? part(call) : ERR_PROTOCOL;
	}
	if (rc == ERR_PROTOCOL) {
		return rc;
	}
	stage->length = outer->reply.content_length;
	let_exchange_go(call);
	stage_replied(stage, rc != 0 ? rc : STAGE_UNTOUCHED);
	return 0;
}
