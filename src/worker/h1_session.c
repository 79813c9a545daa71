/* SPDX-License-Identifier: MIT */
/* HTTP/1 on a connection. */
#include "worker/h1_session.h"

#include <stdlib.h>

#include "http/h1_reader.h"
#include "http/h1_writer.h"
#include "worker/access.h"
#include "worker/connection.h"
#include "worker/dispatch.h"
#include "worker/line_session.h"
#include "worker/websocket.h"

/* A piece of memory up to this size is copied behind the header, into the same record. */
#define COPY_BYTES 8192

struct h1_session {
	struct session base;		/* first: its ops find the rest */
	struct h1_reader reader;
	struct exchange *exchange;	/* NULL between requests */
	enum h1_framing framing;
	bool head_read;			/* of the request */
	bool request_read;		/* all of it */
	bool head_written;		/* of the reply */
	bool reply_written;		/* all of it */
	uint64_t sent;			/* bytes of the reply's body */
	uint64_t discarded;		/* bytes of a body that nobody wanted */
	bool closing;			/* the connection ends with this reply */
	struct line *line;		/* owned; the WebSocket that is asked for */
	bool upgraded;			/* its handler has taken it */
};

enum wait { WAIT_REQUEST = SESSION_IDLE, WAIT_HEADER, WAIT_BODY, WAIT_HANDLER };

static struct worker *worker_of(const struct h1_session *session)
{
	return session->base.connection->worker;
}

static void wake(struct exchange *exchange)
{
	struct h1_session *session = exchange->session;

	connection_wake(session->base.connection);
}

static const char *info(const struct exchange *exchange, const char *key)
{
	const struct h1_session *session = exchange->session;

	return access_info(session->base.connection, &session->exchange->arena, key);
}

static struct buffer *facts(const struct exchange *exchange)
{
	const struct h1_session *session = exchange->session;

	return &session->base.connection->facts;
}

static const struct exchange_ops ops = { .wake = wake, .info = info, .facts = facts };

static void drop_exchange(struct h1_session *session)
{
	worker_give_exchange(worker_of(session), session->exchange);
	session->exchange = NULL;
}

static void free_session(struct session *base)
{
	struct h1_session *session = (struct h1_session *)base;

	if (session->line != NULL) {
		line_free(session->line);
	}
	if (session->exchange != NULL) {
		if (session->head_read) {
			access_done(base->connection, session->exchange, session->sent);
		}
		drop_exchange(session);
	}
	free(session);
}

static bool wants_input(const struct session *base)
{
	const struct h1_session *session = (const struct h1_session *)base;

	return !base->done && !session->request_read &&
	    !(session->closing && session->exchange != NULL);
}

/* A new request begins with the first byte after the last one. */
static int begin(struct h1_session *session)
{
	struct worker *worker = worker_of(session);
	struct exchange *exchange = worker_take_exchange(worker);

	if (exchange == NULL) {
		return ERR_NOMEM;
	}
	exchange_init(exchange, &ops, session);
	exchange->body.max = worker->config->limits.max_body_bytes + 1;
	request_init(&exchange->request, &exchange->arena,
	    worker->http_limits.max_header_bytes, worker->http_limits.max_header_fields);
	session->exchange = exchange;
	session->base.fresh = true;
	session->head_read = false;
	session->request_read = false;
	session->head_written = false;
	session->reply_written = false;
	session->sent = 0;
	session->discarded = 0;
	h1_reader_begin(&session->reader, &exchange->request);
	return 0;
}

/* Answers with an error of the server's own and ends the connection behind it. */
static void fail(struct h1_session *session, int status, const char *reason)
{
	session->closing = true;
	if (session->exchange->state == EXCHANGE_OPEN) {
		exchange_fail(session->exchange, status, reason);
	}
}

/*
 * RFC 9110 section 10.1.1: a client that waits for 100 may send its body or not once it
 * has a final answer instead, so that nothing on the connection could be told apart after
 * that.
 */
static void on_head(struct h1_session *session, struct slice input)
{
	struct worker *worker = worker_of(session);
	struct exchange *exchange = session->exchange;
	struct request *request = &exchange->request;

	session->head_read = true;
	dispatch_begin(worker, exchange);
	if (exchange->state == EXCHANGE_OPEN && request->content_length >= 0 &&
	    (uint64_t)request->content_length > worker->config->limits.max_body_bytes) {
		fail(session, 413, "the body is larger than this server takes");
	}
	if (!request->expect_continue || !request->has_body || input.size > 0) {
		return;
	}
	if (exchange->state != EXCHANGE_OPEN) {
		session->closing = true;
	} else if (h1_write_continue(&worker->out) != 0) {
		fail(session, 503, "out of memory");
	}
}

static void on_body(struct h1_session *session, struct slice body)
{
	struct exchange *exchange = session->exchange;
	int rc;

	/* Answered already: the body is read only to find the next request. */
	if (exchange->state != EXCHANGE_OPEN) {
		session->discarded += body.size;
		if (session->discarded > exchange->body.max) {
			session->closing = true;
		}
		return;
	}
	/* One byte stays free for the NUL behind a whole body. */
	rc = exchange->body.size + body.size >= exchange->body.max ? ERR_LIMIT
	    : buffer_append(&exchange->body, body.data, body.size);
	if (rc == ERR_LIMIT) {
		fail(session, 413, "the body is larger than this server takes");
	} else if (rc != 0) {
		fail(session, 503, "out of memory");
	}
}

static void wake_line(struct line *line)
{
	const struct h1_session *session = line->carrier;

	connection_wake(session->base.connection);
}

static void line_opened(struct line *line, int status)
{
	struct h1_session *session = line->carrier;

	if (status == 0) {
		session->upgraded = true;
		return;
	}
	if (session->exchange->state == EXCHANGE_OPEN) {
		exchange_fail(session->exchange, status, "the handler refuses it");
	}
	line_free(line);
	session->line = NULL;
}

static const char *line_info(struct line *line, const char *key)
{
	const struct h1_session *session = line->carrier;

	return access_info(session->base.connection, &session->exchange->arena, key);
}

static const struct line_ops line_ops = { .wake = wake_line, .opened = line_opened,
	.info = line_info };

static void open_websocket(struct h1_session *session)
{
	struct exchange *exchange = session->exchange;

	session->line = websocket_new(worker_of(session), exchange, &line_ops, session);
	if (session->line != NULL) {
		websocket_connect(session->line, exchange);
	}
}

static void on_end(struct h1_session *session)
{
	struct exchange *exchange = session->exchange;
	char *end;

	session->request_read = true;
	if (exchange->state != EXCHANGE_OPEN) {
		return;
	}
	if (buffer_reserve(&exchange->body, 1, &end) != 0) {
		fail(session, 503, "out of memory");
		return;
	}
	*end = '\0';
	if (exchange->upgrade) {
		open_websocket(session);
	} else {
		dispatch_call(worker_of(session), exchange);
	}
}

static void on_event(struct h1_session *session, enum h1_event event, struct slice input,
    struct slice body)
{
	switch (event) {
	case H1_HEAD:
		on_head(session, input);
		break;
	case H1_BODY:
		on_body(session, body);
		break;
	case H1_END:
		on_end(session);
		break;
	case H1_REFUSED:
		session->head_read = true;
		dispatch_identify(worker_of(session), session->exchange);
		fail(session, session->reader.status, session->reader.reason);
		break;
	case H1_NEED:
		break;
	}
}

static int write_head(struct h1_session *session)
{
	struct worker *worker = worker_of(session);
	struct exchange *exchange = session->exchange;
	bool keep;

	session->framing = h1_framing_of(&exchange->request, &exchange->reply);
	keep = exchange->request.keep_alive && !session->closing && !worker->draining &&
	    session->framing != H1_UNTIL_CLOSE;
	session->closing = !keep;
	session->head_written = true;
	return h1_write_head(&worker->out, &exchange->request, &exchange->reply,
	    session->framing, keep, worker_date(worker));
}

static int write_piece(struct h1_session *session, struct slice piece)
{
	struct buffer *out = &worker_of(session)->out;
	bool chunked = session->framing == H1_CHUNKED;
	int rc = chunked ? h1_write_chunk_start(out, piece.size) : 0;

	if (rc == 0) {
		rc = piece.size <= COPY_BYTES ? buffer_append(out, piece.data, piece.size)
		    : connection_write(session->base.connection, piece);
	}
	return rc == 0 && chunked ? h1_write_chunk_end(out) : rc;
}

/* 0 when the queue is empty, ERR_AGAIN when there is no room for more of it now. */
static int write_pieces(struct h1_session *session)
{
	struct exchange *exchange = session->exchange;
	struct slice piece;
	int rc = 0;

	while (rc == 0 && exchange->pieces.left > 0) {
		size_t room = connection_room(session->base.connection);

		if (room <= H1_CHUNK_OVERHEAD) {
			return ERR_AGAIN;
		}
		rc = pieces_peek(&exchange->pieces, worker_of(session)->scratch,
		    room - H1_CHUNK_OVERHEAD, &piece);
		if (rc == 0) {
			rc = write_piece(session, piece);
		}
		if (rc == 0) {
			pieces_consume(&exchange->pieces, piece.size);
			session->sent += piece.size;
		}
	}
	return rc;
}

static int write_end(struct h1_session *session)
{
	struct exchange *exchange = session->exchange;
	bool takes = head_has_token(&exchange->request.head, SLICE("te"),
	    SLICE("trailers"));

	session->reply_written = true;
	if (session->framing != H1_CHUNKED) {
		return 0;
	}
	return h1_write_last_chunk(&worker_of(session)->out,
	    takes ? &exchange->reply.trailer : NULL);
}

/* An exchange ends when its reply is written and its request read, or never will be. */
static void end_exchange(struct h1_session *session)
{
	if (session->request_read || session->closing) {
		access_done(session->base.connection, session->exchange, session->sent);
		drop_exchange(session);
		session->request_read = false;
		session->base.done = session->closing;
	}
}

/* A reply without a body is complete with its header, however long the handler goes on:
 * the client is about to send its next request. */
static bool is_complete(const struct h1_session *session)
{
	return session->exchange->state == EXCHANGE_ENDED ||
	    session->framing == H1_NO_BODY;
}

/* ERR_AGAIN: there is no room for more now. */
static int write_reply(struct h1_session *session)
{
	struct exchange *exchange = session->exchange;
	int rc = 0;

	if (exchange->state == EXCHANGE_BROKEN && exchange->reply.status == 0) {
		return ERR_CLOSED;
	}
	if (!session->head_written) {
		rc = connection_room(session->base.connection) == 0 ? ERR_AGAIN :
		    write_head(session);
	}
	if (rc == 0) {
		rc = write_pieces(session);
	}
	if (rc == 0 && exchange->state == EXCHANGE_BROKEN) {
		return ERR_CLOSED;
	}
	if (rc == 0 && is_complete(session)) {
		return write_end(session);
	}
	/* What it brings is for the next turn. */
	exchange_taken(exchange);
	return rc;
}

/* From the reply's header on the connection is the WebSocket's. */
static void upgrade(struct h1_session *session)
{
	struct connection *connection = session->base.connection;
	struct worker *worker = connection->worker;
	struct exchange *exchange = session->exchange;
	int rc = websocket_accept(session->line, exchange);

	if (rc == 0) {
		rc = h1_write_head(&worker->out, &exchange->request, &exchange->reply,
		    H1_NO_BODY, true, worker_date(worker));
	}
	access_done(connection, exchange, 0);
	drop_exchange(session);
	session->base.next = rc == 0 ? line_session_take(connection, session->line) :
	    NULL;
	if (session->base.next != NULL) {
		session->line = NULL;
	} else {
		session->base.cut = true;
		session->base.done = true;
	}
}

static void write_output(struct h1_session *session)
{
	int rc = 0;

	if (session->upgraded && session->line != NULL) {
		if (connection_room(session->base.connection) > 0) {
			upgrade(session);
		}
		return;
	}
	if (session->exchange == NULL || session->exchange->state == EXCHANGE_OPEN) {
		return;
	}
	if (!session->reply_written) {
		rc = write_reply(session);
	}
	if (session->reply_written) {
		end_exchange(session);
	}
	if (rc < 0) {
		/* RFC 9112 section 8: the peer must see that this is not the whole of
		 * it. */
		session->base.cut = true;
		session->base.done = true;
	}
}

static void input(struct session *base, struct slice *bytes)
{
	struct h1_session *session = (struct h1_session *)base;

	while (bytes->size > 0 && wants_input(base)) {
		struct slice body = { NULL, 0 };
		enum h1_event event;

		if (session->exchange == NULL && begin(session) != 0) {
			session->base.done = true;
			return;
		}
		do {
			event = h1_reader_next(&session->reader, bytes, &body);
			on_event(session, event, *bytes, body);
		} while (event != H1_NEED && wants_input(base));
		write_output(session);
	}
}

static void output(struct session *base)
{
	write_output((struct h1_session *)base);
}

static bool has_output(const struct session *base)
{
	const struct h1_session *session = (const struct h1_session *)base;
	const struct exchange *exchange = session->exchange;

	if (base->done || exchange == NULL || exchange->state == EXCHANGE_OPEN) {
		return session->upgraded && !base->done;
	}
	return !session->reply_written && (!session->head_written ||
	    exchange->pieces.left > 0 || exchange->state != EXCHANGE_STARTED);
}

/* A request that is whole is still answered. */
static void end_input(struct session *base, bool in_order)
{
	struct h1_session *session = (struct h1_session *)base;

	(void)in_order;
	session->closing = true;
	if (session->exchange == NULL || session->exchange->state == EXCHANGE_OPEN) {
		base->done = true;
	} else {
		/* Answered early, it waited for the rest of its body only. */
		write_output(session);
	}
}

static uint32_t idle_ms(const struct worker *worker)
{
	uint32_t ms = worker->config->timeouts.idle_ms;

	return worker->draining && ms > SESSION_DRAIN_MS ? SESSION_DRAIN_MS : ms;
}

static struct session_wait wait(const struct session *base)
{
	const struct h1_session *session = (const struct h1_session *)base;
	const struct worker *worker = worker_of(session);
	const struct config_timeouts *timeouts = &worker->config->timeouts;

	if (session->exchange == NULL) {
		return (struct session_wait){ WAIT_REQUEST, false, idle_ms(worker) };
	}
	if (!session->head_read) {
		return (struct session_wait){ WAIT_HEADER, true, timeouts->header_ms };
	}
	if (!session->request_read) {
		return (struct session_wait){ WAIT_BODY, false, timeouts->body_ms };
	}
	/* The client has done its part; how long a handler may take is not up to it. */
	return (struct session_wait){ WAIT_HANDLER, false, 0 };
}

/* Answers 408, if a request has begun, and ends. */
static void timeout(struct session *base)
{
	struct h1_session *session = (struct h1_session *)base;

	if (session->exchange == NULL || session->exchange->state != EXCHANGE_OPEN) {
		base->done = true;
		return;
	}
	if (!session->head_read) {
		session->head_read = true;
		dispatch_identify(worker_of(session), session->exchange);
	}
	fail(session, 408, "the request did not come in time");
	write_output(session);
}

/* The next reply tells the client, by "connection: close". */
static void drain(struct session *base)
{
	(void)base;
}

static const struct session_ops session_ops = { .free = free_session,
	.wants_input = wants_input,
	.input = input,
	.end_input = end_input,
	.output = output,
	.has_output = has_output,
	.wait = wait,
	.timeout = timeout,
	.drain = drain };

struct session *h1_session_new(struct connection *connection)
{
	struct h1_session *session = calloc(1, sizeof(*session));

	if (session == NULL) {
		return NULL;
	}
	session->base.ops = &session_ops;
	session->base.connection = connection;
	h1_reader_init(&session->reader, &connection->worker->http_limits);
	return &session->base;
}
