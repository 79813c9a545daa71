/* SPDX-License-Identifier: MIT */
/* HTTP/1 on a connection. */
#include "worker/h1_session.h"

#include <stdlib.h>

#include "http/h1_writer.h"
#include "worker/access.h"
#include "worker/connection.h"
#include "worker/dispatch.h"
#include "worker/h1_state.h"
#include "worker/limits.h"
#include "worker/redirect.h"

enum wait {
	WAIT_REQUEST = SESSION_IDLE,
	WAIT_HEADER,
	WAIT_BODY,
	WAIT_HANDLER,
	WAIT_LEFT		/* the client may have left the handler alone */
};

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

static bool admits(const struct exchange *exchange, struct slice host)
{
	struct h1_session *session = exchange->session;

	return session_admits(session->base.connection, host);
}

static const struct exchange_ops ops = { .wake = wake, .info = info, .facts = facts,
	.admits = admits };

struct worker *h1_worker(const struct h1_session *session)
{
	return session->base.connection->worker;
}

void h1_drop_exchange(struct h1_session *session)
{
	worker_give_exchange(h1_worker(session), session->exchange);
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
		h1_drop_exchange(session);
	}
	free(session);
}

/* Does the handler that takes the body in pieces take none now? */
static bool is_held_up(const struct h1_session *session)
{
	return session->exchange != NULL && !upload_wants(session->exchange);
}

static bool wants_input(const struct session *base)
{
	const struct h1_session *session = (const struct h1_session *)base;

	return !base->done && !session->request_read &&
	    !(session->closing && session->exchange != NULL) && !is_held_up(session);
}

/* A new request begins with the first byte after the last one. */
static int begin(struct h1_session *session)
{
	struct worker *worker = h1_worker(session);
	struct exchange *exchange = worker_take_exchange(worker);

	if (exchange == NULL) {
		return ERR_NOMEM;
	}
	exchange_init(exchange, &ops, session);
	exchange->body.max = worker->config->limits.max_body_bytes + 1;
	request_init(&exchange->request, &exchange->arena,
	    worker->http_limits.max_header_bytes, worker->http_limits.max_header_fields);
	session->exchange = exchange;
	session->requests++;
	session->base.fresh = true;
	session->head_read = false;
	session->request_read = false;
	session->head_written = false;
	session->reply_written = false;
	session->sent = 0;
	session->discarded = 0;
	session->continue_owed = false;
	h1_reader_begin(&session->reader, &exchange->request);
	return 0;
}

/* Answers with an error of the server's own and ends the connection behind it. */
static void fail(struct h1_session *session, int status, const char *reason)
{
	session->closing = true;
	limits_count_status(h1_worker(session), status);
	exchange_overrule(session->exchange, status, reason);
}

/*
 * RFC 9110 section 10.1.1: a client that waits for 100 may send its body or not once it
 * has a final answer instead, so that nothing on the connection could be told apart after
 * that.
 */
static void write_continue(struct h1_session *session)
{
	if (session->continue_owed && !session->head_written &&
	    upload_invited(session->exchange)) {
		session->continue_owed = false;
		pace_begin(&session->pace, h1_worker(session)->loop->now_ms);
		if (h1_write_continue(&h1_worker(session)->out) != 0) {
			fail(session, 503, "out of memory");
		}
	}
}

static int admit_body(const struct h1_session *session, const char **reason)
{
	return limits_admit_body(session->base.connection, session->exchange, NULL,
	    reason);
}

static int keep_body(struct h1_session *session, struct slice body, const char **reason)
{
	int status = admit_body(session, reason);

	return status != 0 ? status : exchange_take_body(session->exchange, body, reason);
}

static void on_head(struct h1_session *session, struct slice input)
{
	struct worker *worker = h1_worker(session);
	struct exchange *exchange = session->exchange;
	struct request *request = &exchange->request;
	const char *reason;
	int status;

	session->head_read = true;
	pace_begin(&session->pace, worker->loop->now_ms);
	if (session->base.connection->tls.ssl == NULL &&
	    !redirect_excepts(session->base.connection, request)) {
		redirect_answer(session->base.connection, exchange);
		session->closing = session->closing || request->has_body;
	} else {
		dispatch_begin(worker, exchange);
	}
	status = exchange_judge_length(exchange, &reason);
	if (status == 0 && exchange->state == EXCHANGE_OPEN && request->has_body) {
		status = admit_body(session, &reason);
	}
	if (exchange->state == EXCHANGE_OPEN && status != 0) {
		fail(session, status, reason);
	}
	session->continue_owed = request->expect_continue && request->has_body &&
	    input.size == 0;
	if (exchange->state == EXCHANGE_OPEN && exchange->upload.on) {
		dispatch_call(worker, exchange);
	}
	write_continue(session);
}

static void on_body(struct h1_session *session, struct slice body)
{
	struct worker *worker = h1_worker(session);
	struct exchange *exchange = session->exchange;
	const char *reason;
	int status;

	session->continue_owed = false;
	session->pace.bytes += body.size;
	/* Answered already: the body is read only to find the next request. */
	if (exchange->state != EXCHANGE_OPEN && !upload_takes(exchange)) {
		session->discarded += body.size;
		if (session->discarded > worker->config->limits.max_body_bytes) {
			session->closing = true;
		}
		return;
	}
	status = exchange->upload.on ?
	    dispatch_body(worker, exchange, body, false, &reason) :
	    keep_body(session, body, &reason);
	if (status != 0) {
		fail(session, status, reason);
	}
}

static void on_end(struct h1_session *session)
{
	struct worker *worker = h1_worker(session);
	struct exchange *exchange = session->exchange;
	const char *reason;
	int status;

	session->request_read = true;
	if (exchange->upload.on) {
		status = dispatch_body(worker, exchange, SLICE(""), true, &reason);
		if (status != 0) {
			fail(session, status, reason);
		}
		return;
	}
	if (exchange->state != EXCHANGE_OPEN) {
		return;
	}
	if (buffer_terminate(&exchange->body) != 0) {
		fail(session, 503, "out of memory");
		return;
	}
	if (exchange->upgrade) {
		h1_upgrade_begin(session);
	} else {
		dispatch_call(worker, exchange);
	}
}

/* The handler may take more of the body, or filters have let the request go on. */
static void go_on(struct h1_session *session)
{
	struct exchange *exchange = session->exchange;

	if (exchange->upload.on) {
		upload_go_on(exchange);
	}
	write_continue(session);
	if (exchange->upgrade && session->request_read && session->line == NULL &&
	    exchange->state == EXCHANGE_OPEN) {
		h1_upgrade_begin(session);
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
		dispatch_identify(h1_worker(session), session->exchange);
		fail(session, session->reader.status, session->reader.reason);
		break;
	case H1_NEED:
		break;
	}
}

/* A request has begun, but did not come in time: 408, and the end. */
static void give_up(struct h1_session *session, const char *reason)
{
	const struct exchange *exchange = session->exchange;

	if (exchange->state != EXCHANGE_OPEN && !upload_takes(exchange)) {
		session->base.done = true;
		return;
	}
	fail(session, 408, reason);
	h1_reply_write(session);
}

static bool reads_body(const struct h1_session *session)
{
	return session->exchange != NULL && session->head_read && !session->request_read;
}

/* The client was not waited for until now: its handler has held it up, or it us. */
static void resume_pace(struct h1_session *session)
{
	const struct connection *connection = session->base.connection;

	if (reads_body(session) && !connection_waits_for(connection, WAIT_BODY)) {
		pace_begin(&session->pace, connection->worker->loop->now_ms);
	}
}

static void judge_pace(struct h1_session *session)
{
	struct worker *worker = h1_worker(session);
	const struct config *config = worker->config;

	if (!session->closing && reads_body(session) &&
	    pace_slow(&session->pace, worker->loop->now_ms, config->timeouts.slow_ms,
		config->limits.min_body_bytes_per_s)) {
		limits_met(worker, LIMIT_MIN_BODY_BYTES_PER_S,
		    &session->base.connection->peer, "answered 408");
		give_up(session, "the request came too slowly");
	}
}

static void input(struct session *base, struct slice *bytes)
{
	struct h1_session *session = (struct h1_session *)base;

	resume_pace(session);
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
			/* The end of a body may be there without another byte. */
		} while (event != H1_NEED && (wants_input(base) ||
			     (event == H1_BODY && bytes->size == 0)));
		h1_reply_write(session);
	}
	judge_pace(session);
}

static void output(struct session *base)
{
	struct h1_session *session = (struct h1_session *)base;

	if (session->exchange != NULL) {
		go_on(session);
	}
	h1_reply_write(session);
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
		return;
	}
	/* Answered early, it waited for the rest of its body only; but for one whose
	 * handler still takes that. */
	if (upload_takes(session->exchange)) {
		exchange_overrule(session->exchange, 400, "the body is not complete");
	}
	h1_reply_write(session);
}

static struct session_wait wait(const struct session *base)
{
	const struct h1_session *session = (const struct h1_session *)base;
	const struct worker *worker = h1_worker(session);
	const struct config_timeouts *timeouts = &worker->config->timeouts;

	if (session->exchange == NULL) {
		return (struct session_wait){ WAIT_REQUEST, false,
			session_idle_ms(worker) };
	}
	if (!session->head_read) {
		return (struct session_wait){ WAIT_HEADER, true, timeouts->header_ms };
	}
	if (!session->request_read && !is_held_up(session)) {
		return (struct session_wait){ WAIT_BODY, false, timeouts->body_ms };
	}
	/* The client has done its part, or is held up; how long a handler may take is not
	 * up to it, as long as it is there. */
	if (session->base.connection->tls.hung_up) {
		return (struct session_wait){ WAIT_LEFT, false, SESSION_LEFT_MS };
	}
	return (struct session_wait){ WAIT_HANDLER, false, 0 };
}

/* Answers 408, if a request has begun and its client is there, and ends. */
static void timeout(struct session *base)
{
	struct h1_session *session = (struct h1_session *)base;
	const struct exchange *exchange = session->exchange;

	if (wait(base).what == WAIT_LEFT) {
		base->cut = true;
		base->done = true;
		return;
	}
	if (exchange == NULL) {
		base->done = true;
		return;
	}
	limits_count(h1_worker(session), session->head_read ? LIMIT_BODY_MS :
	    LIMIT_HEADER_MS);
	if (!session->head_read) {
		session->head_read = true;
		dispatch_identify(h1_worker(session), session->exchange);
	}
	give_up(session, "the request did not come in time");
}

/* The next reply tells the client, by "connection: close"; a WebSocket that is being
 * opened, when it is open. */
static void drain(struct session *base)
{
	const struct h1_session *session = (const struct h1_session *)base;

	if (session->line != NULL) {
		line_drain(session->line);
	}
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
