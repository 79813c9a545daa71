/* SPDX-License-Identifier: MIT */
/*
 * What is said on a connection, whatever the protocol: HTTP/1 (h1_session.h), HTTP/2
 * (h2_session.h), a raw stream or an upgraded connection (line_session.h). The connection
 * owns its session, gives it plain bytes, and takes what it writes: into worker->out as
 * far as connection_room goes, or with connection_write. A session never touches the
 * socket, and never ends the connection itself. Lifetime: connection, or until another
 * session takes its place.
 */
#ifndef TINCAN_WORKER_SESSION_H
#define TINCAN_WORKER_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "worker/worker.h"

struct connection;
struct session;

#define SESSION_IDLE 0		/* nothing is under way; other numbers are its own */

/* While draining: for what may be on its way on a connection that is idle. */
#define SESSION_DRAIN_MS 1000

/*
 * A client of HTTP that has ended its side of TCP has most likely closed its socket,
 * which looks the same until something is sent to it. It is taken to have left when
 * nothing has gone out for so long: whoever only said that no more requests come gets its
 * reply if that is under way. A close_notify alone ends one side of TLS (RFC 8446 section
 * 6.1), and its reply is waited for like any other.
 */
#define SESSION_LEFT_MS 250

/* What a session waits for. The timer runs anew when what changes, when the session is
 * fresh and, unless whole, whenever bytes move. */
struct session_wait {
	uint8_t what;
	bool whole;
	uint32_t ms;		/* 0: as long as it takes */
};

struct session_ops {
	/* Drops what is under way, and the session. */
	void (*free)(struct session *session);
	/* Can it use more bytes now? Not while a reply waits for room. */
	bool (*wants_input)(const struct session *session);
	/* Reads as far as input and room go. Takes what it uses off. */
	void (*input)(struct session *session, struct slice *input);
	/* No more input comes: the peer has ended its side, in order, or is lost. */
	void (*end_input)(struct session *session, bool in_order);
	/* Goes on writing, as far as room goes. */
	void (*output)(struct session *session);
	/* Is there more to write that only room is missing for? */
	bool (*has_output)(const struct session *session);
	struct session_wait (*wait)(const struct session *session);
	/* What it waited for has not come in time. */
	void (*timeout)(struct session *session);
	/* The worker drains: tells the peer so, if the protocol can. */
	void (*drain)(struct session *session);
};

struct session {
	const struct session_ops *ops;
	struct connection *connection;	/* borrowed: its owner */
	struct session *next;	/* takes its place when it returns; owned */
	bool fresh;		/* the wait begins anew; the connection clears it */
	bool output_ended;	/* it writes no more: close_notify; it reads on */
	bool cut;		/* what it said is not complete: no close_notify */
	bool done;		/* it has ended: close */
};

/* How long a connection of HTTP may be idle, at most SESSION_DRAIN_MS in a drain. */
static inline uint32_t session_idle_ms(const struct worker *worker)
{
	uint32_t ms = worker->config->timeouts.idle_ms;

	return worker->draining && ms > SESSION_DRAIN_MS ? SESSION_DRAIN_MS : ms;
}

/* Its listener's place in the newest configuration; past the last if it is gone. */
size_t session_listener(const struct connection *connection);

/* Is the client good for what is demanded now of clients of that host, or of "" for none?
 * For another one than that of its handshake it is not, as nobody has asked it. */
bool session_admits(struct connection *connection, struct slice host);

/* Is its listener for raw streams only? */
bool session_is_stream(const struct connection *connection);

/* The session of a connection whose handshake is done: what the client has chosen by
 * ALPN, else what its listener is for. NULL when out of memory, or for a stream that
 * the client may not have. */
struct session *session_new(struct connection *connection);

#endif
