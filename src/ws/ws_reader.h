/* SPDX-License-Identifier: MIT */
/*
 * Puts frames together to messages, as a server does, and judges both (RFC 6455 section
 * 5, RFC 7692). Big next to an idle WebSocket, so that one holds a reader only from a
 * message's first byte to its last. Lifetime: a message.
 */
#ifndef TINCAN_WS_WS_READER_H
#define TINCAN_WS_WS_READER_H

#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"
#include "ws/ws_deflate.h"
#include "ws/ws_frames.h"

/* What a message may be. */
struct ws_bounds {
	size_t max_message;	/* bytes of one, inflated */
	struct ws_deflate *zlib;	/* borrowed; NULL: not negotiated */
};

/* A whole message or a control frame. */
struct ws_event {
	enum ws_opcode opcode;	/* never WS_CONTINUATION */
	struct slice data;	/* borrowed until the next read or reset */
	uint16_t code;		/* WS_CLOSE: the peer's, 1005 if it gave none; when the
				 * read failed: the code to close with */
};

struct ws_reader;

/* What it keeps of messages counts in the tally. NULL if there is no memory. */
struct ws_reader *ws_reader_new(struct tally *tally);
void ws_reader_free(struct ws_reader *reader);

/*
 * Takes bytes off the front, up to the end of a message or control frame at most. Text is
 * UTF-8, a close frame's code one that may be sent and its reason UTF-8.
 *
 * @return 0 with an event; ERR_AGAIN: all was taken, and no event is complete;
 *	ERR_PROTOCOL with event->code: the peer broke a rule (1002), sent what is not
 *	UTF-8 or cannot be inflated (1007), or a message past the bound (1009);
 *	ERR_NOMEM, likewise (1011). After a failure only free may be called.
 */
int ws_reader_read(struct ws_reader *reader, const struct ws_bounds *bounds,
    struct slice *bytes, struct ws_event *event) MUST_USE;

/* Is it between two messages, so that it may go on with another connection's? */
bool ws_reader_between(const struct ws_reader *reader);

/* Gives back what a big message took. */
void ws_reader_trim(struct ws_reader *reader);

#endif
