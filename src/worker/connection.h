/* SPDX-License-Identifier: MIT */
/*
 * One client's connection: socket, TLS, timeouts, its end. What is said on it is the
 * session's business (session.h).
 *
 *	HANDSHAKE --done--> OPEN --session ends--> LINGER --peer ends, or 2 s--> CLOSED
 *	    \-- failed, too slow ----> CLOSED <-- reset, idle --/
 *
 * A connection works in turns: an event of its socket, or its own wish (loop_soon),
 * starts one; it reads, lets the session work, and ends with one send. Lifetime:
 * connection.
 */
#ifndef TINCAN_WORKER_CONNECTION_H
#define TINCAN_WORKER_CONNECTION_H

#include "os/socket.h"
#include "worker/pace.h"
#include "worker/session.h"
#include "worker/worker.h"

enum connection_state {
	CONNECTION_HANDSHAKE,
	CONNECTION_OPEN,
	CONNECTION_LINGER,	/* our end is sent; read until the peer's comes */
	CONNECTION_CLOSED	/* freed at the end of the round */
};

/* What the timer waits for. */
enum connection_wait {
	WAIT_HANDSHAKE,
	WAIT_SESSION,
	WAIT_WRITE,
	WAIT_LINGER
};

struct connection {
	struct watch watch;
	struct list link;		/* in worker.connections, or .handshakes */
	struct timer timer;
	struct deferred later;		/* its next turn, or its end */
	struct worker *worker;
	struct tls_session tls;
	struct session *session;	/* owned; NULL during the handshake */
	struct slice input;		/* plain bytes that the session has not taken */
	char *kept;			/* owned; input between turns */
	struct buffer facts;		/* of it, as a handler side has packed them */
	union socket_address peer;
	uint32_t listener;		/* by which it came: the master's id */
	uint16_t local_port;
	bool proxied;			/* its PROXY header is not read yet */
	bool counted;			/* as one of its peer's address */
	uint32_t proxy_left;		/* bytes of that, behind its addresses */
	int queued; /* bytes that the kernel had still to send, at a look */
	struct pace taking;		/* what the client takes, while some waits */
	uint8_t state;			/* enum connection_state */
	uint8_t wait;			/* enum connection_wait */
	uint8_t waits_for;		/* of WAIT_SESSION: what */
	uint32_t still_ms;		/* so long it has taken nothing */
	uint32_t wait_ms;		/* as the timer was set; 0: it was not */
	bool in_turn;
	bool ended;			/* the peer will send no more */
	bool lost;			/* there is no peer any more */
	bool progressed;		/* bytes moved in this turn */
	bool slow;			/* it takes too little: its time is over */
};

/* How a connection came in. */
struct connection_entry {
	uint32_t listener;		/* the master's id */
	uint16_t port;
	bool proxied;			/* it begins with a PROXY header */
	bool plain;			/* it has no TLS */
};

/* Takes fd. */
void connection_new(struct worker *worker, int fd, const union socket_address *peer,
    const struct connection_entry *entry);

/* Did the last turn end so that it waits for that (session_wait.what) of its session? */
bool connection_waits_for(const struct connection *connection, uint8_t what);

/* Asks for a turn; harmless within one. */
void connection_wake(struct connection *connection);

/* The worker drains: idle connections end now, others after their next reply, which tells
 * the client so; a moment later if there is no next one. */
void connection_drain(struct connection *connection);

/* Closes it at once if its handshake has waited for the client for a while; else
 * false. */
bool connection_abandon(struct connection *connection);

/* Ends it at once if it has been idle for a while; else false. Not within a turn of
 * another. */
bool connection_evict(struct connection *connection);

/* Closes at once; what was not sent is lost. */
void connection_close(struct connection *connection);

/* Plain bytes the session may still write in this turn; they go to worker->out, or
 * straight to connection_write if they are many. */
size_t connection_room(const struct connection *connection);

/* Writes worker->out, then data, into TLS records. ERR_CLOSED if the connection is
 * over. */
int connection_write(struct connection *connection, struct slice data) MUST_USE;

#endif
