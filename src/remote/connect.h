/* SPDX-License-Identifier: MIT */
/*
 * Both ends of a CONNECT: what a host gets to know of a WebSocket or a stream. The worker
 * packs, the host unpacks.
 */
#ifndef TINCAN_REMOTE_CONNECT_H
#define TINCAN_REMOTE_CONNECT_H

#include "base/buffer.h"
#include "exchange/duplex.h"
#include "ipc/frame.h"

struct connect_message {
	uint32_t instance;
	const char *id;		/* of the request that began it, for the log */
	struct slice facts;	/* see connect_fact */
	struct slice upgrade;	/* a REQUEST's payload; data NULL for a stream */
};

/* Appends a CONNECT frame; upgrade is the WebSocket's request, NULL for a stream.
 * ERR_LIMIT, ERR_NOMEM: out is as it was. */
int connect_pack(struct buffer *out, uint64_t id, uint32_t instance,
    const struct duplex *duplex, const struct exchange *upgrade) MUST_USE;

/* All is borrowed from the frame. ERR_PROTOCOL if it is not well formed. */
int connect_unpack(const struct frame *frame, struct connect_message *message) MUST_USE;

/* The fact of that name, borrowed from facts or a copy of it; NULL if it is not there. */
const char *connect_fact(struct slice facts, const char *key);

#endif
