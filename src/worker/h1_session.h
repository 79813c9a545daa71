/* SPDX-License-Identifier: MIT */
/*
 * HTTP/1 on a connection: requests one after the other, each an exchange. A pipelined
 * request waits, unread, until the reply before it is written. Between requests there is
 * no exchange, so that an idle connection holds no request memory. Lifetime: connection.
 */
#ifndef TINCAN_WORKER_H1_SESSION_H
#define TINCAN_WORKER_H1_SESSION_H

#include <stdbool.h>

#include "base/slice.h"
#include "exchange/exchange.h"
#include "http/h1_reader.h"
#include "http/h1_writer.h"

struct connection;

struct h1_session {
	struct connection *connection;	/* borrowed: the one it is embedded in */
	struct h1_reader reader;
	struct exchange *exchange;	/* NULL between requests */
	enum h1_framing framing;
	bool fresh;			/* a request began; the connection clears it */
	bool head_read;			/* of the request */
	bool request_read;		/* all of it */
	bool head_written;		/* of the reply */
	bool reply_written;		/* all of it */
	uint64_t sent;			/* bytes of the reply's body */
	uint64_t discarded;		/* bytes of a body that nobody wanted */
	bool closing;			/* the connection ends with this reply */
	bool cut; /* it cannot be completed: end without a close_notify */
	bool done;			/* it has ended: close */
};

void h1_session_init(struct h1_session *session, struct connection *connection);

/* Drops an exchange under way. */
void h1_session_release(struct h1_session *session);

/* Can it use more bytes now? Not while a reply waits for room. */
bool h1_session_wants_input(const struct h1_session *session);

/* Reads requests and answers them, as far as input and room go. Takes what it uses
 * off. */
void h1_session_input(struct h1_session *session, struct slice *input);

/* Goes on writing the reply, as far as room goes. */
void h1_session_output(struct h1_session *session);

/* Is there more of a reply that only room is missing for? */
bool h1_session_has_output(const struct h1_session *session);

/* Answers 408, if a request has begun, and ends. */
void h1_session_timeout(struct h1_session *session);

#endif
