/* SPDX-License-Identifier: MIT */
/*
 * permessage-deflate's two ends (RFC 7692 section 7.2), without context takeover: each
 * message stands for itself, so one of these serves all WebSockets of a worker, and an
 * idle one costs nothing. Some 300 KB once both ends have been used. Lifetime: boot.
 */
#ifndef TINCAN_WS_WS_DEFLATE_H
#define TINCAN_WS_WS_DEFLATE_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

/* Bits of a window: peers may agree on 8 (RFC 7692 section 7.1.2), but zlib deflates from
 * 9 on only. */
enum { WS_WINDOW_DEFLATE_MIN = 9, WS_WINDOW_MAX = 15 };

struct ws_deflate;

/* NULL if there is no memory. */
struct ws_deflate *ws_deflate_new(void);
void ws_deflate_free(struct ws_deflate *zlib);

/*
 * Appends what a message's payload becomes (RFC 7692 section 7.2.2).
 *
 * @return 0; ERR_LIMIT past out's maximum; ERR_INVALID if payload is not what a deflater
 *	makes of a whole message; ERR_NOMEM. Out holds some of it then.
 */
int ws_deflate_unpack(struct ws_deflate *zlib, struct slice payload,
    struct buffer *out) MUST_USE;

/*
 * Appends the payload of a message (RFC 7692 section 7.2.1).
 *
 * @param window_bits Of the peer's inflater, from WS_WINDOW_DEFLATE_MIN on.
 * @return 0; ERR_LIMIT within a few bytes of out's maximum, or past it; ERR_NOMEM. Out
 *	holds some of it then.
 */
int ws_deflate_pack(struct ws_deflate *zlib, int window_bits, struct slice data,
    struct buffer *out) MUST_USE;

#endif
