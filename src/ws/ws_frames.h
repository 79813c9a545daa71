/* SPDX-License-Identifier: MIT */
/*
 * Frames of RFC 6455 section 5.2, by wslay: a server's end, so what comes in is masked
 * and what goes out is not. Only headers and lengths are judged here; what a frame may
 * be, where it stands, is ws_reader's.
 *
 * wslay keeps 4 KB for each; so a WebSocket holds one only while it is in a message.
 */
#ifndef TINCAN_WS_WS_FRAMES_H
#define TINCAN_WS_WS_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

/* RFC 6455 section 5.2; any other is reserved. */
enum ws_opcode {
	WS_CONTINUATION = 0, WS_TEXT = 1, WS_BINARY = 2,
	WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10
};

static inline bool ws_opcode_is_control(enum ws_opcode opcode)
{
	return (opcode & 8) != 0;
}

#define WS_CONTROL_MAX 125	/* bytes of a control frame's payload */
#define WS_HEADER_MAX 10	/* bytes of a header that has no mask */

/* The bits before the opcode. */
enum ws_bit { WS_RSV3 = 1, WS_RSV2 = 2, WS_RSV1 = 4, WS_FIN = 8 };

/* Some of a frame's payload, unmasked, and what its header says. */
struct ws_piece {
	uint8_t opcode;		/* of ws_opcode or any other of 4 bits */
	uint8_t bits;		/* a set of ws_bit */
	bool first;		/* the payload's first piece, be it empty */
	bool last;
	uint64_t payload_size;	/* of the whole frame */
	struct slice data;	/* borrowed until the next read */
};

struct ws_frames;

/* NULL if there is no memory. */
struct ws_frames *ws_frames_new(void);
void ws_frames_free(struct ws_frames *frames);

/*
 * Takes bytes off the front, up to the end of a frame at most: nothing is read ahead.
 *
 * @return 0 with a piece; ERR_AGAIN: all was taken, and a piece needs more; ERR_PROTOCOL
 *	for a frame without a mask, a length that is not in its shortest form or too
 *	long for a control frame, and a control frame in fragments. After that only
 *	free may be called.
 */
int ws_frames_read(struct ws_frames *frames, struct slice *bytes,
    struct ws_piece *piece) MUST_USE;

/* Is it between two frames, so that it may go on with another connection's? */
bool ws_frames_between(const struct ws_frames *frames);

/* Appends a frame, which must be one that may be. ERR_LIMIT or ERR_NOMEM: nothing was. */
int ws_frames_write(struct ws_frames *frames, struct buffer *out, enum ws_opcode opcode,
    unsigned bits, struct slice payload) MUST_USE;

#endif
