/* SPDX-License-Identifier: MIT */
/*
 * The frames in what an HTTP/2 client sends (RFC 9113 section 4.1), seen before the
 * library that reads them: it drops without a word what comes for streams that are gone,
 * and no frame may be free of charge. Holds no more than a frame's header. Lifetime:
 * connection.
 */
#ifndef TINCAN_HTTP_H2_FRAMES_H
#define TINCAN_HTTP_H2_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

#define H2_FRAME_HEADER 9
#define H2_PRIORITY_BYTES 5	/* the payload of PRIORITY */
#define H2_STREAM_BYTES 4	/* a stream's number in a payload */

/* RFC 9113 section 6 and RFC 9218 section 7.1. */
enum h2_frame_type {
	H2_DATA, H2_HEADERS, H2_PRIORITY, H2_RST_STREAM, H2_SETTINGS, H2_PUSH_PROMISE,
	H2_PING, H2_GOAWAY, H2_WINDOW_UPDATE, H2_CONTINUATION, H2_PRIORITY_UPDATE = 16
};

#define H2_END_STREAM 0x1
#define H2_END_HEADERS 0x4

struct h2_frame {
	uint32_t size;		/* of its payload */
	uint8_t type;		/* enum h2_frame_type, or one that we do not know */
	uint8_t flags;
	uint32_t stream;
	uint32_t other;		/* stream in the payload of PRIORITY and PRIORITY_UPDATE,
				 * if they are large enough; else 0 */
};

struct h2_frames {
	char head[H2_FRAME_HEADER + H2_STREAM_BYTES];
	uint32_t held;		/* bytes of it */
	uint32_t left;		/* of the payload, or of the client's preface */
};

/* The client's connection preface comes first (RFC 9113 section 3.4). */
void h2_frames_init(struct h2_frames *frames);

/*
 * Takes the next piece off input, which is not empty: bytes of one frame, borrowed from
 * input or frames until the next call; or none, if a header is not complete.
 *
 * @return true if a frame begins with this piece: *frame is then filled in.
 */
bool h2_frames_next(struct h2_frames *frames, struct slice *input, struct slice *piece,
    struct h2_frame *frame);

#endif
