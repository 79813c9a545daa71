/* SPDX-License-Identifier: MIT */
/*
 * Numbers and texts into bytes and back, for messages between our processes. Same
 * machine, so native byte order; but the other process may be broken or taken over, so
 * that every read is checked. A reader that has failed once gives zeros and "" from then
 * on and is asked at the end, once, whether all was well.
 */
#ifndef TINCAN_IPC_PACK_H
#define TINCAN_IPC_PACK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

/* Appends to out; ERR_LIMIT or ERR_NOMEM, and then out may hold a part: drop it. */
int pack_u8(struct buffer *out, uint8_t value) MUST_USE;
int pack_u32(struct buffer *out, uint32_t value) MUST_USE;
int pack_u64(struct buffer *out, uint64_t value) MUST_USE;
/* Size, bytes, and a NUL behind them, so that the reader can use them in place. */
int pack_text(struct buffer *out, struct slice text) MUST_USE;
/* Without NULs inside; NULL: there is none. */
int pack_optional(struct buffer *out, const char *text) MUST_USE;

struct unpack {
	struct slice rest;
	bool failed;
};

uint8_t unpack_u8(struct unpack *in);
uint32_t unpack_u32(struct unpack *in);
uint64_t unpack_u64(struct unpack *in);
/* NUL-terminated, borrowed from the bytes; "" if failed. May hold NULs inside. */
struct slice unpack_text(struct unpack *in);
/* As unpack_text, but fails for a text with a NUL inside. */
const char *unpack_string(struct unpack *in);
/* What pack_optional has packed: likewise, or NULL. */
const char *unpack_optional(struct unpack *in);
/* Did everything fit, with nothing left over? */
bool unpack_done(const struct unpack *in);

#endif
