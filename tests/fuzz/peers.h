/* SPDX-License-Identifier: MIT */
/*
 * Three peers whose handler is in the host that is fuzzed: a stream, a WebSocket, and a
 * stream that has left. They believe what they are told, so that must be fit to believe.
 */
#ifndef TINCAN_TESTS_PEERS_H
#define TINCAN_TESTS_PEERS_H

#include <stdlib.h>
#include <string.h>

#include "remote/remote.h"

#define PEERS 3

struct peer {
	struct duplex duplex;		/* first: the ops find the rest */
	struct exchange *upgrade;
	size_t waiting;
	bool answered;
	bool closed;
	bool message;			/* one goes on */
};

static struct peer peers[PEERS];

static inline void peer_require(bool holds)
{
	if (!holds) {
		abort();
	}
}

static inline void peer_opened(struct duplex *duplex, int status)
{
	struct peer *peer = (struct peer *)duplex;

	peer_require(!peer->answered);
	peer_require(status == 0 || (status >= 300 && status <= 599));
	peer_require(peer->upgrade == NULL || peer->upgrade->state == EXCHANGE_OPEN ||
	    (peer->upgrade->reply.status == status && status != 0));
	peer->answered = true;
	duplex->state = status != 0 ? DUPLEX_ENDED
	    : peer->closed	    ? DUPLEX_CLOSING
				    : DUPLEX_OPEN;
	if (status != 0) {
		duplex->handler_ops = NULL;
	}
}

static inline int peer_send(struct duplex *duplex, struct slice data, unsigned flags)
{
	struct peer *peer = (struct peer *)duplex;
	static volatile char last;

	peer_require(duplex->state <= DUPLEX_OPEN &&
	    peer->waiting <= DUPLEX_QUEUE_BYTES);
	if (peer->closed) {
		return ERR_CLOSED;
	}
	/* For a sanitizer: every byte is there. */
	last = data.size > 0 ? data.data[data.size - 1] : 0;
	(void)last;
	if (duplex->kind == DUPLEX_WEBSOCKET) {
		peer_require((flags & ~7u) == 0 && (flags & 3) != 0 && (flags & 3) != 3);
		peer->message = (flags & DUPLEX_MORE) != 0;
	} else {
		peer_require((flags & ~8u) == 0);
	}
	peer->waiting += data.size + 16;
	return 0;
}

static inline int peer_close(struct duplex *duplex, uint16_t code, struct slice reason)
{
	struct peer *peer = (struct peer *)duplex;

	peer_require(duplex->state <= DUPLEX_OPEN);
	peer_require(duplex->kind == DUPLEX_STREAM ||
	    (code >= 1000 && code <= 4999 && reason.size <= DUPLEX_REASON_BYTES));
	if (peer->closed) {
		return ERR_CLOSED;
	}
	peer->closed = true;
	if (duplex->state == DUPLEX_OPEN) {
		duplex->state = DUPLEX_CLOSING;
	}
	return 0;
}

static inline void peer_pause(struct duplex *duplex, bool on)
{
	(void)duplex;
	(void)on;
}

static inline const char *peer_info(const struct duplex *duplex, const char *key)
{
	(void)duplex;
	(void)key;
	return NULL;
}

static inline size_t peer_waiting(const struct duplex *duplex)
{
	return ((const struct peer *)duplex)->waiting;
}

static inline void peer_connect(struct peer *peer, struct remote *remote,
    uint32_t instance, struct exchange *upgrade)
{
	static const struct duplex_peer_ops ops = { peer_opened, peer_send, peer_close,
		peer_pause, peer_info, peer_waiting };

	*peer = (struct peer){ .upgrade = upgrade };
	peer->duplex.peer_ops = &ops;
	peer->duplex.kind = upgrade == NULL ? DUPLEX_STREAM : DUPLEX_WEBSOCKET;
	memcpy(peer->duplex.id, "0000000000000002", 17);
	remote_connect(remote, instance, &peer->duplex, upgrade, 60000);
}

/* It has left, or is freed: its last word. */
static inline void peer_leave(struct peer *peer)
{
	const struct duplex_handler_ops *ops = peer->duplex.handler_ops;

	peer->duplex.state = DUPLEX_ENDED;
	if (ops != NULL) {
		ops->end(&peer->duplex, DUPLEX_CODE_LOST);
	}
	peer_require(peer->duplex.handler_ops == NULL && peer->duplex.handler == NULL);
}

/* It takes what it was sent, and says something too. */
static inline void peer_take(struct peer *peer)
{
	struct duplex *duplex = &peer->duplex;

	peer->waiting = 0;
	if (duplex->handler_ops != NULL) {
		duplex->handler_ops->drain(duplex);
	}
	if (duplex->handler_ops != NULL && duplex->state == DUPLEX_OPEN) {
		duplex->handler_ops->data(duplex, SLICE("x"),
		    duplex->kind == DUPLEX_WEBSOCKET ? DUPLEX_TEXT : 0);
	}
}

#endif
