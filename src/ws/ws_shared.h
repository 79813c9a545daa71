/* SPDX-License-Identifier: MIT */
/*
 * What all WebSockets of a worker have in common, as each needs it only for the length of
 * a call: zlib's states, wslay's for frames that go out, and a reader for whoever begins
 * a message next. Embedded in the worker; lifetime: boot.
 */
#ifndef TINCAN_WS_WS_SHARED_H
#define TINCAN_WS_WS_SHARED_H

#include "base/buffer.h"
#include "base/error.h"
#include "ws/ws_deflate.h"
#include "ws/ws_frames.h"
#include "ws/ws_reader.h"

struct ws_shared {
	struct ws_frames *writer;	/* owned; always between two frames */
	struct ws_deflate *zlib;	/* owned */
	struct ws_reader *spare;	/* owned; between two messages; or NULL */
	struct buffer packed;		/* a message on its way out */
	struct tally *tally;		/* borrowed; or NULL */
};

/* Memory for messages, of all of them, counts in the tally. ERR_NOMEM; then there is
 * nothing to release. */
int ws_shared_init(struct ws_shared *shared, struct tally *tally) MUST_USE;

/* No WebSocket may be left. */
void ws_shared_release(struct ws_shared *shared);

/* A reader that is between two messages, the caller's; NULL if there is no memory. */
struct ws_reader *ws_shared_take(struct ws_shared *shared);

/* Takes it back, between two messages again. */
void ws_shared_give(struct ws_shared *shared, struct ws_reader *reader);

#endif
