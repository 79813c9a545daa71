/* SPDX-License-Identifier: MIT */
/* Between two exchanges. */
#include "exchange/stage.h"

#include <stdlib.h>
#include <string.h>

static void on_wake(struct exchange *inner)
{
	struct stage *stage = inner->session;

	stage->ops->wake(stage);
}

static const char *get_info(const struct exchange *inner, const char *key)
{
	const struct exchange *outer = inner->outer;

	return outer->ops->info(outer, key);
}

static struct buffer *get_facts(const struct exchange *inner)
{
	const struct exchange *outer = inner->outer;

	return outer->ops->facts == NULL ? NULL : outer->ops->facts(outer);
}

static const struct exchange_ops inner_ops = { .wake = on_wake, .info = get_info,
	.facts = get_facts };

/* The inner exchange's handler has finished what nobody waits for. */
static void on_finished(struct exchange *inner)
{
	struct stage *stage = inner->outer->stage;

	stage->ops->wake(stage);
}

static const char *no_info(const struct exchange *inner, const char *key)
{
	(void)inner;
	(void)key;
	return NULL;
}

static const struct exchange_ops parted_ops = { .wake = on_finished, .info = no_info };

/* The handler side's last word on the outer exchange, if it has not been said. */
static void let_outer_go(struct stage *stage)
{
	stage->state = STAGE_OVER;
	if (stage->outer->held) {
		(void)!exchange_abort(stage->outer);
	}
}

/* What is behind is not wanted any more. */
static void leave(struct stage *stage)
{
	if (stage->state >= STAGE_LEFT) {
		return;
	}
	if (stage->inner == NULL || exchange_part(stage->inner, &parted_ops)) {
		let_outer_go(stage);
		return;
	}
	stage->state = STAGE_LEFT;
	exchange_hold(stage->outer, NULL);
}

static void tell_gone(struct stage *stage)
{
	if (stage->seen && !stage->told_gone) {
		stage->told_gone = true;
		stage->filter->gone(stage);
	}
}

/* The request ends here, and not well. */
static void fail(struct stage *stage, int status, const char *reason)
{
	tell_gone(stage);
	exchange_fail(stage->outer, status, reason);
	leave(stage);
}

static void on_drain(struct exchange *outer)
{
	outer->stage->ops->wake(outer->stage);
}

static void on_gone(struct exchange *outer)
{
	tell_gone(outer->stage);
	leave(outer->stage);
}

static const struct exchange_handler_ops outer_ops = { .drain = on_drain,
	.gone = on_gone };

void stage_init(struct stage *stage, struct exchange *outer, const struct stage_ops *ops,
    void *owner)
{
	*stage = (struct stage){ .outer = outer, .ops = ops, .owner = owner,
		.length = -1 };
	list_init(&stage->moved);
	outer->stage = stage;
	outer->edits = &stage->edits;
}

int stage_next(struct stage *stage)
{
	struct exchange *outer = stage->outer;

	if (exchange_abandoned(outer)) {
		return exchange_abort(outer);
	}
	if (stage->state != STAGE_ASKED || outer->state != EXCHANGE_OPEN) {
		return ERR_INVALID;
	}
	stage->state = STAGE_NEXT;
	exchange_hold(outer, &outer_ops);
	stage->ops->wake(stage);
	return 0;
}

void stage_enter(struct stage *stage, struct exchange *inner)
{
	struct exchange *outer = stage->outer;

	exchange_init(inner, &inner_ops, stage);
	inner->outer = outer;
	inner->request = outer->request;
	/* What is added to it is the inner one's own. */
	inner->request.head.arena = &inner->arena;
	inner->request.head.capacity = inner->request.head.size;
	inner->request.head.fields_capacity = inner->request.head.count;
	inner->match = outer->match;
	inner->vhost = outer->vhost;
	memcpy(inner->id, outer->id, sizeof(inner->id));
	inner->started_us = outer->started_us;
	inner->deadline_ms = outer->deadline_ms;
	stage->inner = inner;
	stage->state = STAGE_BEHIND;
}

static int copy_head(struct head *to, const struct head *from)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < from->count; i++) {
		rc = head_add(to, head_name(from, i), head_value(from, i));
	}
	return rc;
}

/* The header from behind, with what the filter has said before. */
static int take_head(struct stage *stage)
{
	struct exchange *outer = stage->outer;
	const struct reply *reply = &stage->inner->reply;
	int rc;

	head_init(&outer->reply.head, &outer->arena, outer->reply.head.max_bytes,
	    outer->reply.head.max_fields);
	outer->reply.content_length = -1;
	stage->length = reply->content_length;
	rc = copy_head(&outer->reply.head, &reply->head);
	return rc != 0 ? rc : edits_apply(&stage->edits, outer);
}

/* Bytes that may differ make the length another one, unless the filter has said it. */
static void settle_length(struct stage *stage, bool untouched)
{
	const struct exchange *inner = stage->inner;
	struct reply *reply = &stage->outer->reply;

	if (!stage->pieces || untouched) {
		stage->pieces = false;
		if (reply->content_length < 0) {
			reply->content_length = stage->length;
		}
	}
	stage->pieces = stage->pieces &&
	    http_reply_has_body(inner->request.method_id, inner->reply.status);
	stage->whole = inner->state == EXCHANGE_ENDED;
}

/* Is there room in the outer exchange? If not, drain will come. */
static bool has_room(const struct stage *stage)
{
	struct exchange *outer = stage->outer;

	if (outer->pieces.copied < EXCHANGE_HIGH) {
		return true;
	}
	outer->refused = true;
	return false;
}

static int copy_trailer(struct exchange *outer, const struct head *trailer)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < trailer->count; i++) {
		rc = exchange_add_trailer(outer, head_name(trailer, i).data,
		    head_value(trailer, i).data);
	}
	return rc;
}

/* The reply from behind is complete, and has been passed on. */
static int finish(struct stage *stage)
{
	struct exchange *outer = stage->outer;
	struct reply *reply = &outer->reply;
	int rc = copy_trailer(outer, &stage->inner->reply.trailer);

	/* Nobody has seen its header yet. */
	if (rc == 0 && stage->whole && reply->content_length < 0 &&
	    reply->trailer.count == 0 &&
	    http_reply_has_body(outer->request.method_id, reply->status)) {
		reply->content_length = outer->written;
	}
	return rc != 0 ? rc : exchange_end(outer);
}

/* Moves what there is of the reply, without a copy. */
static int forward(struct stage *stage)
{
	struct exchange *outer = stage->outer;
	struct exchange *inner = stage->inner;
	int64_t size = inner->pieces.left;
	int64_t length;
	int rc = outer->state != EXCHANGE_OPEN ? 0 :
	    exchange_start(outer, inner->reply.status, NULL);

	length = outer->reply.content_length;
	if (rc == 0 && length >= 0 && size > length - outer->written) {
		rc = ERR_INVALID;
	}
	rc = rc != 0 ? rc : pieces_move(&outer->pieces, &inner->pieces);
	if (rc != 0) {
		return rc;
	}
	outer->written += size;
	return inner->state == EXCHANGE_ENDED ? finish(stage) : 0;
}

static void pass_all(struct stage *stage)
{
	struct exchange *outer = stage->outer;
	struct exchange *inner = stage->inner;
	bool broken = inner->state == EXCHANGE_BROKEN;

	if (inner->state == EXCHANGE_STARTED && inner->pieces.copied > 0 &&
	    !has_room(stage)) {
		return;
	}
	if (forward(stage) != 0 || broken) {
		fail(stage, 502, NULL);
	} else if (outer->state != EXCHANGE_STARTED) {
		leave(stage);
	} else {
		stage->whole = false;
		outer->ops->wake(outer);
		exchange_taken(inner);
	}
}

int stage_pass(struct stage *stage, const void *data, size_t size, bool last)
{
	int rc;

	if (!stage->in_piece || stage->last_passed || (last && !stage->last) ||
	    (data == NULL && size > 0)) {
		return ERR_INVALID;
	}
	if (size > STAGE_PASS_MAX - stage->piece_passed) {
		return ERR_LIMIT;
	}
	rc = exchange_pass(stage->outer, data, size);
	if (rc == 0) {
		stage->piece_passed += size;
		stage->last_passed = last;
	}
	return rc;
}

static int give_piece(struct stage *stage, struct slice bytes, bool last)
{
	int rc;

	stage->in_piece = true;
	stage->last = last;
	stage->piece_passed = 0;
	rc = stage->filter->piece(stage, bytes, last);
	stage->in_piece = false;
	if (rc != 0 || stage->outer->state != EXCHANGE_STARTED ||
	    (last && !stage->last_passed)) {
		return ERR_INVALID;
	}
	return 0;
}

/* 0, and more may come; ERR_EOF: that was all; ERR_AGAIN: that was all for now. */
static int pass_piece(struct stage *stage, char *scratch)
{
	struct exchange *inner = stage->inner;
	bool ended = inner->state == EXCHANGE_ENDED;
	struct slice bytes = SLICE("");
	int rc = pieces_peek(&inner->pieces, scratch, STAGE_PIECE_BYTES, &bytes);
	bool last = ended && (int64_t)bytes.size == inner->pieces.left;

	if (rc == ERR_EOF && !ended) {
		return inner->state == EXCHANGE_BROKEN ? ERR_CLOSED : ERR_AGAIN;
	}
	if (rc < 0) {
		return rc;
	}
	rc = give_piece(stage, bytes, last);
	if (rc == 0 && bytes.size > 0) {
		pieces_consume(&inner->pieces, bytes.size);
	}
	return rc == 0 && last ? ERR_EOF : rc;
}

static bool next_is_file(const struct exchange *exchange)
{
	return exchange->pieces.first != NULL && exchange->pieces.first->data == NULL;
}

/* Files are read; what they are read into is needed no longer than that. A filter that
 * makes little of much would have room for ever. */
static int pass_pieces(struct stage *stage)
{
	char *scratch = NULL;
	int left = STAGE_TURN_PIECES;
	int rc = 0;

	while (rc == 0 && has_room(stage)) {
		if (left-- == 0) {
			stage->ops->rest(stage);
			break;
		}
		if (scratch == NULL && next_is_file(stage->inner)) {
			scratch = malloc(STAGE_PIECE_BYTES);
			rc = scratch == NULL ? ERR_NOMEM : 0;
		}
		if (rc == 0) {
			rc = pass_piece(stage, scratch);
		}
	}
	free(scratch);
	return rc;
}

static void pass_through(struct stage *stage)
{
	struct exchange *outer = stage->outer;
	int rc = 0;

	if (outer->state == EXCHANGE_OPEN) {
		rc = exchange_start(outer, stage->inner->reply.status, NULL);
	}
	if (rc == 0) {
		rc = pass_pieces(stage);
	}
	if (rc == ERR_EOF) {
		rc = finish(stage) == 0 ? 0 : ERR_CLOSED;
	}
	/* One that has aborted in there needs not be told that this is the end. */
	if (rc < 0 && outer->state == EXCHANGE_STARTED) {
		fail(stage, 502, NULL);
		return;
	}
	if (outer->state != EXCHANGE_STARTED) {
		leave(stage);
		return;
	}
	stage->whole = false;
	outer->ops->wake(outer);
	exchange_taken(stage->inner);
}

static void go_on(struct stage *stage, bool untouched)
{
	stage->state = STAGE_PASSING;
	stage->passed = true;
	settle_length(stage, untouched);
	stage_run(stage);
}

/* It has replied in place of what is behind. */
static void replaced(struct stage *stage)
{
	if (stage->outer->state == EXCHANGE_STARTED) {
		exchange_fail(stage->outer, 500, NULL);
	}
	leave(stage);
}

void stage_replied(struct stage *stage, int rc)
{
	if (stage->state != STAGE_REPLYING) {
		return;
	}
	stage->outer->borrowed = false;
	if (stage->outer->state != EXCHANGE_OPEN) {
		replaced(stage);
	} else if (rc < 0) {
		fail(stage, 500, NULL);
	} else {
		go_on(stage, rc == STAGE_UNTOUCHED);
	}
}

void stage_part(struct stage *stage, bool passed)
{
	stage->outer->borrowed = false;
	stage->state = STAGE_AWAY;
	stage->passed = passed;
}

static void begin_reply(struct stage *stage)
{
	const struct exchange *inner = stage->inner;
	int rc;

	if (inner->reply.status == 0) {
		tell_gone(stage);
		(void)!exchange_abort(stage->outer);
		leave(stage);
		return;
	}
	if (take_head(stage) != 0) {
		fail(stage, 500, "the header of the reply is too large");
		return;
	}
	stage->state = STAGE_REPLYING;
	stage->outer->borrowed = true;
	rc = stage->filter->reply(stage, inner->reply.status);
	if (rc != ERR_AGAIN) {
		stage_replied(stage, rc);
	}
}

void stage_run(struct stage *stage)
{
	list_remove(&stage->moved);
	if (stage->state > STAGE_ASKED && stage->state < STAGE_LEFT &&
	    stage->outer->state > EXCHANGE_STARTED) {
		leave(stage);
		return;
	}
	switch (stage->state) {
	case STAGE_NEXT:
		stage->ops->next(stage);
		break;
	case STAGE_BEHIND:
		if (stage->inner->state != EXCHANGE_OPEN) {
			begin_reply(stage);
		}
		break;
	case STAGE_PASSING:
		if (stage->pieces) {
			pass_through(stage);
		} else {
			pass_all(stage);
		}
		break;
	case STAGE_AWAY:
		stage->filter->more(stage);
		break;
	case STAGE_LEFT:
		if (!stage->inner->held) {
			let_outer_go(stage);
		}
		break;
	default:
		break;
	}
}

bool stage_may_reply(const struct stage *stage)
{
	return stage->state == STAGE_ASKED || stage->state == STAGE_REPLYING;
}

void stage_release(struct stage *stage)
{
	list_remove(&stage->moved);
	if (stage->seen) {
		stage->seen = false;
		stage->filter->done(stage);
	}
}
