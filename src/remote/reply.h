/* SPDX-License-Identifier: MIT */
/*
 * Both ends of what a host answers: REPLY, START, DATA, FILE, END. The host packs, the
 * worker takes what it gets as calls on the exchange, which checks every one of them, as
 * the host is not trusted.
 */
#ifndef TINCAN_REMOTE_REPLY_H
#define TINCAN_REMOTE_REPLY_H

#include "base/buffer.h"
#include "exchange/exchange.h"
#include "ipc/frame.h"

/* Is it a whole reply that fits one REPLY frame: ended, memory only, small? */
bool reply_is_small(const struct exchange *exchange);

/* Appends a REPLY frame; takes all pieces. */
int reply_pack(struct buffer *out, uint64_t id, struct exchange *exchange) MUST_USE;

/* Appends a START frame. */
int reply_pack_start(struct buffer *out, uint64_t id, const struct exchange *exchange)
    MUST_USE;

/* Appends a PASS frame; with_body: FRAME_MORE. */
int reply_pack_pass(struct buffer *out, uint64_t id, const struct exchange *exchange,
    bool with_body) MUST_USE;

/* Appends the START frame for a filter, without the fields that only we may say; at_once:
 * FRAME_MORE. */
int reply_pack_seen(struct buffer *out, uint64_t id, const struct exchange *exchange,
    bool at_once) MUST_USE;

/* Appends an END frame. */
int reply_pack_end(struct buffer *out, uint64_t id, const struct exchange *exchange)
    MUST_USE;

/* The worker's end of REPLY and START: ERR_PROTOCOL for a frame that is not well formed
 * or a reply that the exchange refuses. END: also ERR_PROTOCOL if it was not started. */
int reply_take(const struct frame *frame, struct exchange *exchange) MUST_USE;
int reply_take_start(const struct frame *frame, struct exchange *exchange) MUST_USE;
int reply_take_end(const struct frame *frame, struct exchange *exchange) MUST_USE;

/* The worker's end of PASS: the header of a reply that does not start yet. */
int reply_take_pass(const struct frame *frame, struct exchange *exchange) MUST_USE;

/* A frame that holds nothing but fields of a reply that does not start yet. */
int reply_take_fields(const struct frame *frame, struct exchange *exchange) MUST_USE;

#endif
