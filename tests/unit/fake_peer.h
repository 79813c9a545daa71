/* SPDX-License-Identifier: MIT */
/*
 * The protocol side of a duplex, played by a test: it writes down what the handler side
 * does, and takes as much as it is told to.
 */
#ifndef TINCAN_TESTS_FAKE_PEER_H
#define TINCAN_TESTS_FAKE_PEER_H

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "exchange/duplex.h"

struct fake_peer {
	struct duplex duplex;		/* first: the ops find the rest */
	int opened;			/* times */
	int status;
	char trace[4096];	/* "T:hello B+:part close(1000,bye) pause resume " */
	size_t waiting;
	bool hold;			/* what is sent waits until fake_peer_drain */
	bool paused;
	bool mute;			/* payloads are not written down */
	const char *protocol;
};

static inline void fake_peer_note(struct fake_peer *peer, const char *format, ...)
    PRINTF(2, 3);

static inline void fake_peer_note(struct fake_peer *peer, const char *format, ...)
{
	size_t used = strlen(peer->trace);
	va_list ap;

	va_start(ap, format);
	vsnprintf(peer->trace + used, sizeof(peer->trace) - used, format, ap);
	va_end(ap);
}

static inline void fake_peer_opened(struct duplex *duplex, int status)
{
	struct fake_peer *peer = (struct fake_peer *)duplex;

	ck_assert_int_eq(duplex->state, DUPLEX_OPENING);
	peer->opened++;
	peer->status = status;
	duplex->state = status == 0 ? DUPLEX_OPEN : DUPLEX_ENDED;
	if (status != 0) {
		duplex->handler_ops = NULL;
	}
}

static inline int fake_peer_send(struct duplex *duplex, struct slice data, unsigned flags)
{
	struct fake_peer *peer = (struct fake_peer *)duplex;

	ck_assert_ptr_nonnull(data.data);
	if (peer->waiting >= DUPLEX_QUEUE_BYTES) {
		return ERR_AGAIN;
	}
	peer->waiting += peer->hold ? data.size : 0;
	fake_peer_note(peer, "%s%s%s%s:%.*s ", flags & DUPLEX_TEXT ? "T" : "",
	    flags & DUPLEX_BINARY ? "B" : "", flags & DUPLEX_MORE ? "+" : "",
	    flags & DUPLEX_END ? "E" : "", peer->mute ? 0 : (int)data.size, data.data);
	return 0;
}

static inline int fake_peer_close(struct duplex *duplex, uint16_t code,
    struct slice reason)
{
	struct fake_peer *peer = (struct fake_peer *)duplex;

	fake_peer_note(peer, "close(%d,%.*s) ", code, (int)reason.size, reason.data);
	if (duplex->state == DUPLEX_OPEN) {
		duplex->state = DUPLEX_CLOSING;
	}
	return 0;
}

static inline void fake_peer_pause(struct duplex *duplex, bool on)
{
	struct fake_peer *peer = (struct fake_peer *)duplex;

	if (peer->paused != on) {
		peer->paused = on;
		fake_peer_note(peer, on ? "pause " : "resume ");
	}
}

static inline const char *fake_peer_info(const struct duplex *duplex, const char *key)
{
	if (strcmp(key, "websocket.protocol") == 0) {
		return ((const struct fake_peer *)duplex)->protocol;
	}
	return strcmp(key, "client.address") == 0 ? "192.0.2.1" : NULL;
}

static inline size_t fake_peer_waiting(const struct duplex *duplex)
{
	return ((const struct fake_peer *)duplex)->waiting;
}

static const struct duplex_peer_ops fake_peer_ops = { .opened = fake_peer_opened,
	.send = fake_peer_send,
	.close = fake_peer_close,
	.pause = fake_peer_pause,
	.info = fake_peer_info,
	.waiting = fake_peer_waiting };

static inline void fake_peer_init(struct fake_peer *peer, enum duplex_kind kind)
{
	memset(peer, 0, sizeof(*peer));
	peer->duplex.peer_ops = &fake_peer_ops;
	peer->duplex.kind = (uint8_t)kind;
	snprintf(peer->duplex.id, sizeof(peer->duplex.id), "00000000deadbeef");
}

/* What it has written down since the last time. */
static inline const char *fake_peer_trace(struct fake_peer *peer)
{
	static char trace[sizeof(peer->trace)];

	memcpy(trace, peer->trace, sizeof(trace));
	peer->trace[0] = '\0';
	return trace;
}

static inline void fake_peer_say(struct fake_peer *peer, const char *text, unsigned flags)
{
	ck_assert_ptr_nonnull(peer->duplex.handler_ops);
	peer->duplex.handler_ops->data(&peer->duplex, slice_of(text), flags);
}

/* The peer takes all that waits. */
static inline void fake_peer_drain(struct fake_peer *peer)
{
	peer->waiting = 0;
	if (peer->duplex.handler_ops != NULL) {
		peer->duplex.handler_ops->drain(&peer->duplex);
	}
}

static inline void fake_peer_end(struct fake_peer *peer, uint16_t code)
{
	const struct duplex_handler_ops *ops = peer->duplex.handler_ops;

	peer->duplex.state = DUPLEX_ENDED;
	if (ops != NULL) {
		ops->end(&peer->duplex, code);
	}
	peer->duplex.handler_ops = NULL;
}

#endif
