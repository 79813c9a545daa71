/* SPDX-License-Identifier: MIT */
/*
 * The parts of an HTTP/2 session, for h2_*.c only: the session, its streams, and what
 * they call of one another.
 *
 *	h2_session.c  input -> frames, guard -> nghttp2 -> output
 *	h2_engine.c   nghttp2 -> callbacks -> streams
 *	h2_stream.c   a stream's request: fields, body -> exchange -> handler
 *	h2_reply.c    a stream's reply: exchange -> HEADERS, DATA, trailer
 *	h2_line.c     a stream that has become a WebSocket
 *	h2_wait.c     what a stream waits for its peer to do, and for how long
 */
#ifndef TINCAN_WORKER_H2_STREAM_H
#define TINCAN_WORKER_H2_STREAM_H

#include <nghttp2/nghttp2.h>

#include "base/list.h"
#include "exchange/exchange.h"
#include "http/h2_frames.h"
#include "http/h2_history.h"
#include "http/h2_request.h"
#include "worker/h2_guard.h"
#include "worker/line.h"
#include "worker/pace.h"
#include "worker/session.h"
#include "worker/worker.h"

#define H2_STREAM_WINDOW (256 * 1024)	/* bytes that a client may send ahead */

/* What a stream waits for, or nothing of the client's. */
enum h2_wait {
	H2_WAIT_NONE,
	H2_WAIT_HEADER,		/* the rest of its header section */
	H2_WAIT_BODY,		/* more of its body */
	H2_WAIT_WINDOW,		/* to be let send more of its reply */
	H2_WAITS
};

/* What a session waits for when no stream does, or it does not matter any more. */
enum {
	H2_WAIT_HANDLERS = H2_WAITS,
	H2_WAIT_LEFT		/* the client may have left */
};

struct h2_session {
	struct session base;		/* first: its ops find the rest */
	nghttp2_session *engine;	/* owned */
	struct h2_frames frames;
	struct h2_history history;
	struct h2_guard guard;
	struct list streams;		/* open ones */
	struct list ready;		/* those whose exchange has moved */
	struct list waiting[H2_WAITS];	/* each the longest wait first */
	int64_t moved_ms;		/* when a reply's bytes last went out */
	/* Of all streams that wait for the client, what moves of their bodies, */
	struct pace incoming;
	struct pace outgoing;		/* and of their replies */
	const char *abuse;		/* what the client has done; NULL: nothing */
	uint32_t requests;		/* so far */
	struct tally held;		/* memory for its bodies; the worker's part */
	bool ending;			/* the last GOAWAY is said: read no more */
	bool draining;
	/* nghttp2 (1.52) frees DATA that found no memory to be queued, and keeps it: so
	 * the engine is left to itself, rather than that freed twice. */
	bool spoilt;
};

/* Of an open stream; the engine's user data for it. Lifetime: request. */
struct h2_stream {
	struct h2_session *session;	/* borrowed */
	struct exchange *exchange;	/* owned */
	int32_t id;
	uint8_t wait;			/* enum h2_wait */
	bool head_read;			/* of the request */
	bool request_read;		/* all of it */
	bool head_written;		/* of the reply; given to the engine */
	bool deferred;			/* the engine does not ask for more of it */
	bool reply_written;		/* all of it; sent */
	bool continue_owed;		/* the client waits for 100, or for the reply */
	uint32_t untaken;		/* bytes of the body that wait for the handler */
	struct list link;		/* in session.streams */
	struct list ready_link;
	struct list wait_link;
	int64_t since_ms;		/* it waits */
	uint64_t sent;			/* bytes of the reply's body */
	struct line *line;		/* owned; of a WebSocket, else NULL */
	struct buffer kept;		/* that the line has not taken */
	bool upgraded;			/* the handler has taken the WebSocket */
	bool logged;			/* the request has its line in the log */
	struct h2_request reader;
	char status[3];			/* of the reply, for the engine */
	char length[20];
};

struct worker *h2_worker(const struct h2_session *session);

/* Sets nghttp2 up, and our connection preface. nghttp2's result. */
int h2_engine_open(struct h2_session *session);

/* The first GOAWAY of a drain: the client is to open no more streams. */
void h2_engine_drain(struct h2_session *session);

/* GOAWAY: no stream after those that there were is taken. */
void h2_engine_last_goaway(struct h2_session *session);

/* A stream begins. NULL when out of memory. */
struct h2_stream *h2_stream_new(struct h2_session *session, int32_t id);

/* Its header section is complete; last: and so is the request. */
void h2_stream_head(struct h2_stream *stream, bool last);
/* How many of the bytes were taken, for its window. */
size_t h2_stream_body(struct h2_stream *stream, struct slice body);
void h2_stream_end(struct h2_stream *stream);

/* A handler that takes the body in pieces may go on, or filters may have let the request
 * go on: to 100 (Continue), or a WebSocket. */
void h2_stream_go_on(struct h2_stream *stream);

/* Answers with an error of the server's own, if it is not answered yet. */
void h2_stream_fail(struct h2_stream *stream, int status, const char *reason);

/* RST_STREAM; without memory for it the connection ends. */
void h2_stream_reset(struct h2_stream *stream, uint32_t code);

/* Logs its request, drops its exchange, and frees it. */
void h2_stream_free(struct h2_stream *stream);

/* It has something for h2_reply. */
void h2_stream_wake(struct h2_stream *stream);

/* The header of the reply; NULL: no body follows. */
int h2_reply_head(struct h2_stream *stream, const nghttp2_data_provider *body);

/* A routed request for a WebSocket; then its bytes: how many were taken, or lost. */
void h2_line_begin(struct h2_stream *stream);
size_t h2_line_input(struct h2_stream *stream, struct slice bytes);
void h2_line_end(struct h2_stream *stream);
int h2_line_reply(struct h2_stream *stream);	/* nghttp2's result */
void h2_line_take(struct h2_stream *stream, char *to, size_t size);
void h2_line_free(struct h2_stream *stream);

/* Gives the engine what it can have of the reply by now. */
void h2_reply(struct h2_stream *stream);

/* 100 Continue (RFC 9110 section 15.2.1). */
void h2_reply_continue(struct h2_stream *stream);

/* Lets the engine ask for DATA: see nghttp2's documentation of these callbacks. */
ssize_t h2_reply_frame_size(nghttp2_session *engine, uint8_t type, int32_t id,
    int32_t session_window, int32_t stream_window, uint32_t max_frame_size, void *arg);
int h2_reply_send(nghttp2_session *engine, nghttp2_frame *frame, const uint8_t *header,
    size_t size, nghttp2_data_source *source, void *arg);

/* The stream waits for something else from now on, or anew. */
void h2_wait_begin(struct h2_stream *stream, enum h2_wait wait);

/* Nothing of the reply is to be sent: it waits for the rest of a body, or for nothing of
 * the client's. */
void h2_wait_quiet(struct h2_stream *stream);

/* The wait that ends first, as session_ops has it. */
struct session_wait h2_wait_next(const struct h2_session *session);

/* Ends those whose time is over. */
void h2_wait_expire(struct h2_session *session);

/* Bytes of the stream's body have come, of its reply have gone; too few of them, and it
 * is answered 408, or the session ends as abused. */
void h2_wait_received(struct h2_stream *stream, size_t size);
void h2_wait_sent(struct h2_stream *stream, size_t size);

#endif
