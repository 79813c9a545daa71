/* SPDX-License-Identifier: MIT */
/*
 * Both ends of what a peer tells a host: OPEN and REQUEST with its BODY. The worker or
 * the probing master packs, the host unpacks.
 */
#ifndef TINCAN_REMOTE_REQUEST_H
#define TINCAN_REMOTE_REQUEST_H

#include "base/buffer.h"
#include "base/settings.h"
#include "exchange/exchange.h"
#include "exchange/facts.h"
#include "ipc/frame.h"

/* What an OPEN says: one route's use of the plugin. */
struct open_message {
	const char *pattern;	/* the route's */
	const char *directory;	/* of server.json */
	const char *where;	/* the route's place in it, for messages */
	struct settings settings;
};

/* Appends an OPEN frame. */
int open_pack(struct buffer *out, uint32_t instance, const struct open_message *message)
    MUST_USE;

/* Texts are borrowed from the frame; release the settings in any case. ERR_PROTOCOL if
 * the frame is not well formed. */
int open_unpack(const struct frame *frame, struct open_message *message) MUST_USE;

/* Appends a REQUEST frame, and BODY frames if the body is long and does not stream; if a
 * filter has the exchange, a FILTER frame and no body. The request is complete, but for
 * one whose body streams or that is for a filter, and routed. ERR_LIMIT,
 * ERR_NOMEM: out is as it was. */
int request_pack(struct buffer *out, uint64_t id, uint32_t instance,
    const struct exchange *exchange) MUST_USE;

/* Appends the payload of a REQUEST up to its body. Errors leave out with a part of it. */
int request_pack_head(struct buffer *out, uint32_t instance,
    const struct exchange *exchange) MUST_USE;

/*
 * Fills in the exchange (fresh from exchange_init) from a REQUEST: request, params, tail,
 * id and, in facts (EXCHANGE_FACTS of them, in the exchange's arena; NULL for none), the
 * facts. *more: BODY frames follow, to be appended to exchange->body by the caller; those
 * of a body that streams are to be fed.
 *
 * @return 0, ERR_PROTOCOL, ERR_LIMIT or ERR_NOMEM
 */
int request_unpack(const struct frame *frame, struct exchange *exchange,
    uint32_t *instance, const char *facts[EXCHANGE_FACTS], bool *more) MUST_USE;

/* The TRAILER of a body that streams. ERR_LIMIT, ERR_NOMEM: out is as it was. Unpacking:
 * ERR_PROTOCOL, ERR_LIMIT, ERR_NOMEM. */
int trailer_pack(struct buffer *out, uint64_t id, const struct exchange *exchange)
    MUST_USE;
int trailer_unpack(const struct frame *frame, struct exchange *exchange) MUST_USE;

#endif
