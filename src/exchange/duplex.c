/* SPDX-License-Identifier: MIT */
/*
 * A WebSocket or a raw stream: what a handler can get wrong about it is checked here, so
 * that the protocol side may trust what it is told, in whatever process the handler runs.
 */
#include "exchange/duplex.h"

#define MESSAGE_TYPES (DUPLEX_TEXT | DUPLEX_BINARY)

/* RFC 6455 section 5.4: the fragments of a message are of one type. */
static bool type_valid(const struct duplex *duplex, unsigned flags)
{
	unsigned type = flags & MESSAGE_TYPES;

	return (flags & ~(unsigned)(MESSAGE_TYPES | DUPLEX_MORE)) == 0 &&
	    (type == DUPLEX_TEXT || type == DUPLEX_BINARY) &&
	    (duplex->message == 0 || duplex->message == type);
}

/* Section 8.1. A character may be cut where the message goes on. */
static bool text_valid(struct utf8 *text, struct slice data, unsigned flags)
{
	return utf8_feed(text, data) &&
	    ((flags & DUPLEX_MORE) != 0 || utf8_complete(text));
}

static bool may_send(const struct duplex *duplex, struct utf8 *text, struct slice data,
    unsigned flags)
{
	if (duplex->kind == DUPLEX_STREAM) {
		return (flags & ~(unsigned)DUPLEX_END) == 0 && !duplex->ended;
	}
	return type_valid(duplex, flags) &&
	    ((flags & DUPLEX_TEXT) == 0 || text_valid(text, data, flags));
}

int duplex_send(struct duplex *duplex, struct slice data, unsigned flags)
{
	struct utf8 text = duplex->text;
	int rc;

	if (duplex->state >= DUPLEX_CLOSING) {
		return ERR_CLOSED;
	}
	if (data.size > DUPLEX_SEND_BYTES) {
		return ERR_LIMIT;
	}
	if (!may_send(duplex, &text, data, flags)) {
		return ERR_INVALID;
	}
	rc = duplex->peer_ops->send(duplex, data, flags);
	duplex->refused = rc == ERR_AGAIN;
	if (rc == 0) {
		duplex->message = flags & DUPLEX_MORE ? flags & MESSAGE_TYPES : 0;
		duplex->text = text;
		duplex->ended = (flags & DUPLEX_END) != 0;
	}
	return rc;
}

/* Those of handler.h: RFC 6455 section 7.4, without what no endpoint says. */
static bool code_valid(uint16_t code)
{
	return code == 1000 || code == 1001 || code == 1003 ||
	    (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

int duplex_close(struct duplex *duplex, uint16_t code, struct slice reason)
{
	if (duplex->state >= DUPLEX_CLOSING) {
		return ERR_CLOSED;
	}
	if (duplex->kind == DUPLEX_WEBSOCKET && (!code_valid(code) ||
	    reason.size > DUPLEX_REASON_BYTES || !utf8_valid(reason))) {
		return ERR_INVALID;
	}
	return duplex->peer_ops->close(duplex, code, reason);
}
