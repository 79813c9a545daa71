/* SPDX-License-Identifier: MIT */
/* Both ends of what a host answers. */
#include "remote/reply.h"

#include "exchange/fields.h"
#include "ipc/pack.h"
#include "remote/fields.h"

#define LENGTH_UNKNOWN UINT64_MAX

static int pack_start(struct buffer *out, const struct exchange *exchange)
{
	int rc = pack_u64(out, (uint64_t)exchange->reply.content_length);

	return rc != 0 ? rc : fields_pack(out, &exchange->reply.head);
}

bool reply_is_small(const struct exchange *exchange)
{
	const struct piece *piece = exchange->pieces.first;

	if (exchange->state != EXCHANGE_ENDED || exchange->reply.content_length < 0 ||
	    exchange->pieces.left > FRAME_DATA_MAX || exchange->reply.trailer.count > 0) {
		return false;
	}
	while (piece != NULL && piece->fd < 0) {
		piece = piece->next;
	}
	return piece == NULL;
}

/* Memory only, so that peeking needs no scratch and cannot fail. */
static int pack_pieces(struct buffer *out, struct pieces *pieces)
{
	struct slice bytes;
	int rc = pack_u32(out, (uint32_t)pieces->left);

	while (rc == 0 && pieces->left > 0) {
		rc = pieces_peek(pieces, NULL, FRAME_DATA_MAX, &bytes);
		rc = rc != 0 ? rc : buffer_append(out, bytes.data, bytes.size);
		if (rc == 0) {
			pieces_consume(pieces, bytes.size);
		}
	}
	return rc != 0 ? rc : pack_u8(out, 0);
}

int reply_pack(struct buffer *out, uint64_t id, struct exchange *exchange)
{
	size_t mark;
	int rc = frame_begin(out, FRAME_REPLY, (uint16_t)exchange->reply.status, id,
	    &mark);

	rc = rc != 0 ? rc : pack_start(out, exchange);
	rc = rc != 0 ? rc : pack_pieces(out, &exchange->pieces);
	return frame_finish(out, mark, rc, 0);
}

int reply_pack_start(struct buffer *out, uint64_t id, const struct exchange *exchange)
{
	size_t mark;
	int rc = frame_begin(out, FRAME_START, (uint16_t)exchange->reply.status, id,
	    &mark);

	rc = rc != 0 ? rc : pack_start(out, exchange);
	return frame_finish(out, mark, rc, 0);
}

int reply_pack_pass(struct buffer *out, uint64_t id, const struct exchange *exchange,
    bool with_body)
{
	size_t mark;
	int rc = frame_begin(out, FRAME_PASS, (uint16_t)exchange->reply.status, id,
	    &mark);

	rc = rc != 0 ? rc : pack_start(out, exchange);
	return frame_finish(out, mark, rc, with_body ? FRAME_MORE : 0);
}

static int pack_seen(struct buffer *out, const struct head *head)
{
	uint32_t count = 0;
	int rc;

	for (size_t i = 0; i < head->count; i++) {
		count += !fields_framing(head_name(head, i));
	}
	rc = pack_u32(out, count);
	for (size_t i = 0; rc == 0 && i < head->count; i++) {
		if (!fields_framing(head_name(head, i))) {
			rc = pack_text(out, head_name(head, i));
			rc = rc != 0 ? rc : pack_text(out, head_value(head, i));
		}
	}
	return rc;
}

int reply_pack_seen(struct buffer *out, uint64_t id, const struct exchange *exchange,
    bool at_once)
{
	size_t mark;
	int rc = frame_begin(out, FRAME_START, (uint16_t)exchange->reply.status, id,
	    &mark);

	rc = rc != 0 ? rc : pack_u64(out, (uint64_t)exchange->reply.content_length);
	rc = rc != 0 ? rc : pack_seen(out, &exchange->reply.head);
	return frame_finish(out, mark, rc, at_once ? FRAME_MORE : 0);
}

int reply_pack_end(struct buffer *out, uint64_t id, const struct exchange *exchange)
{
	size_t mark;
	int rc = frame_begin(out, FRAME_END, 0, id, &mark);

	rc = rc != 0 ? rc : fields_pack(out, &exchange->reply.trailer);
	return frame_finish(out, mark, rc,
	    exchange->state != EXCHANGE_ENDED ? FRAME_BROKEN : 0);
}

/* The one way to add a field or a trailer field. */
typedef int add_fn(struct exchange *exchange, const char *name, const char *value);

static int unpack_head(struct unpack *in, struct exchange *exchange, add_fn *add)
{
	uint32_t count = unpack_u32(in);
	int rc = 0;

	for (uint32_t i = 0; i < count && rc == 0 && !in->failed; i++) {
		const char *name = unpack_string(in);
		const char *value = unpack_string(in);

		if (!in->failed) {
			rc = add(exchange, name, value);
		}
	}
	return in->failed ? ERR_PROTOCOL : rc;
}

static int take_start(struct unpack *in, struct exchange *exchange)
{
	uint64_t length = unpack_u64(in);

	if (exchange->state != EXCHANGE_OPEN ||
	    (length > INT64_MAX && length != LENGTH_UNKNOWN)) {
		return ERR_PROTOCOL;
	}
	exchange->reply.content_length = (int64_t)length;
	return unpack_head(in, exchange, exchange_add_header);
}

/* What an exchange refuses is the host's fault; what memory refuses is not. */
static int judged(int rc)
{
	return rc == ERR_INVALID ? ERR_PROTOCOL : rc;
}

int reply_take(const struct frame *frame, struct exchange *exchange)
{
	struct unpack in = { .rest = frame->payload };
	int rc = take_start(&in, exchange);
	struct slice body = unpack_text(&in);

	if (rc == 0 && !unpack_done(&in)) {
		rc = ERR_PROTOCOL;
	}
	return judged(rc != 0 ? rc
	    : exchange_reply(exchange, frame->header.code, NULL, body.data, body.size));
}

int reply_take_start(const struct frame *frame, struct exchange *exchange)
{
	struct unpack in = { .rest = frame->payload };
	int rc = take_start(&in, exchange);

	if (rc == 0 && !unpack_done(&in)) {
		rc = ERR_PROTOCOL;
	}
	return judged(rc != 0 ? rc : exchange_start(exchange, frame->header.code, NULL));
}

int reply_take_pass(const struct frame *frame, struct exchange *exchange)
{
	struct unpack in = { .rest = frame->payload };
	int rc = take_start(&in, exchange);

	return judged(rc == 0 && !unpack_done(&in) ? ERR_PROTOCOL : rc);
}

int reply_take_end(const struct frame *frame, struct exchange *exchange)
{
	struct unpack in = { .rest = frame->payload };
	int rc;

	if (exchange->state != EXCHANGE_STARTED || (frame->header.flags & FRAME_BROKEN)) {
		return ERR_PROTOCOL;
	}
	rc = unpack_head(&in, exchange, exchange_add_trailer);
	if (rc == 0 && !unpack_done(&in)) {
		rc = ERR_PROTOCOL;
	}
	return judged(rc != 0 ? rc : exchange_end(exchange));
}

int reply_take_fields(const struct frame *frame, struct exchange *exchange)
{
	struct unpack in = { .rest = frame->payload };
	int rc = unpack_head(&in, exchange, exchange_add_header);

	return judged(rc == 0 && !unpack_done(&in) ? ERR_PROTOCOL : rc);
}
