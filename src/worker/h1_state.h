/* SPDX-License-Identifier: MIT */
/*
 * The parts of an HTTP/1 session, for h1_*.c only:
 *
 *	h1_session.c	the connection's side: requests in, waits, the end
 *	h1_reply.c	the reply of the request at hand
 *	h1_upgrade.c	a request that makes a WebSocket of the connection
 */
#ifndef TINCAN_WORKER_H1_STATE_H
#define TINCAN_WORKER_H1_STATE_H

#include "http/h1_reader.h"
#include "http/h1_writer.h"
#include "worker/line.h"
#include "worker/pace.h"
#include "worker/session.h"

struct h1_session {
	struct session base;		/* first: its ops find the rest */
	struct h1_reader reader;
	struct exchange *exchange;	/* NULL between requests */
	enum h1_framing framing;
	bool head_read;			/* of the request */
	bool request_read;		/* all of it */
	bool head_written;		/* of the reply */
	bool reply_written;		/* all of it */
	uint32_t requests;		/* of the connection so far */
	uint64_t sent;			/* bytes of the reply's body */
	uint64_t discarded;		/* bytes of a body that nobody wanted */
	struct pace pace;		/* of the body that is waited for */
	bool continue_owed;		/* the client waits for 100, or for the reply */
	bool closing;			/* the connection ends with this reply */
	struct line *line;		/* owned; the WebSocket that is asked for */
	bool upgraded;			/* its handler has taken it */
};

struct worker *h1_worker(const struct h1_session *session);

void h1_drop_exchange(struct h1_session *session);

/* Writes what there is of the reply, as far as room goes; behind its end the exchange is
 * gone. */
void h1_reply_write(struct h1_session *session);

/* Brings the request, which asks for a WebSocket, to its handler. */
void h1_upgrade_begin(struct h1_session *session);

/* The handler has taken it: from the reply's header on the connection is the
 * WebSocket's. */
void h1_upgrade_finish(struct h1_session *session);

#endif
