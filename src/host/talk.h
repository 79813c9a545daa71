/* SPDX-License-Identifier: MIT */
/*
 * One conversation of the peer: a WebSocket or a stream, of which the peer has the
 * protocol and this process the handler.
 *
 *	CONNECT --> on_connect --> CONNECTED, MESSAGEs both ways, CLOSE; DISCONNECT
 *	                      \--> REFUSED or REPLY, and it is over
 *
 * What comes while the handler has paused it is kept, within the window of the peer. What
 * the handler sends beyond ours is kept too: a message at most, then TC_AGAIN. Lifetime:
 * that of the duplex.
 */
#ifndef TINCAN_HOST_TALK_H
#define TINCAN_HOST_TALK_H

#include "base/buffer.h"
#include "base/list.h"
#include "exchange/duplex.h"
#include "ipc/frame.h"
#include "os/loop.h"

struct host;
struct mount;

struct talk {
	struct duplex duplex;		/* first: its ops find the rest */
	struct list link;		/* in talks.resumed */
	struct host *host;
	struct mount *mount;
	uint64_t id;
	struct slice facts;		/* owned; see remote/connect.h */
	char *protocol;			/* owned; the subprotocol chosen, or NULL */
	char *reason;			/* owned; of a close that waits, or NULL */
	struct buffer backlog;		/* frames that came while it is paused */
	struct buffer message;		/* what came of one that goes on */
	struct buffer out;		/* what the window did not let through */
	uint32_t window;		/* bytes of MESSAGE frames that may be sent */
	uint32_t owed;			/* bytes of those that came and are done with */
	uint16_t status;		/* of opened */
	uint16_t code;			/* of the close */
	uint8_t out_flags;		/* of the message that the rest in out is of */
	bool paused;
	bool closed;			/* by the handler */
};

/* Those of a host. */
struct talks {
	struct talk **items;	/* owned; by their slots, NULL: none */
	uint32_t capacity;
	uint32_t count;
	struct list resumed;	/* those whose backlog is to be delivered */
	struct deferred resume;
};

static inline const struct talk *talk_of(const struct duplex *duplex)
{
	return (const struct talk *)duplex;
}

void talks_init(struct host *host);

/* The frames of the peer. */
int talk_connect(struct host *host, const struct frame *frame) MUST_USE;
int talk_message(struct host *host, const struct frame *frame) MUST_USE;
int talk_window(struct host *host, const struct frame *frame) MUST_USE;
int talk_disconnect(struct host *host, const struct frame *frame) MUST_USE;

/* Ends all of them, at the end. */
void talks_release(struct host *host);

#endif
