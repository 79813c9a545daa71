/* SPDX-License-Identifier: MIT */
/* A stream's request. */
#include "worker/h2_stream.h"

#include <stdlib.h>

#include "worker/access.h"
#include "worker/connection.h"
#include "worker/dispatch.h"
#include "worker/limits.h"

void h2_stream_wake(struct h2_stream *stream)
{
	if (list_empty(&stream->ready_link)) {
		list_append(&stream->session->ready, &stream->ready_link);
		connection_wake(stream->session->base.connection);
	}
}

static void wake(struct exchange *exchange)
{
	h2_stream_wake(exchange->session);
}

static const char *info(const struct exchange *exchange, const char *key)
{
	const struct h2_stream *stream = exchange->session;

	return access_info(stream->session->base.connection,
	    &stream->exchange->arena, key);
}

static struct buffer *facts(const struct exchange *exchange)
{
	const struct h2_stream *stream = exchange->session;

	return &stream->session->base.connection->facts;
}

static bool admits(const struct exchange *exchange, struct slice host)
{
	struct h2_stream *stream = exchange->session;

	return session_admits(stream->session->base.connection, host);
}

static const struct exchange_ops ops = { .wake = wake, .info = info, .facts = facts,
	.admits = admits };

struct worker *h2_worker(const struct h2_session *session)
{
	return session->base.connection->worker;
}

static void begin(struct h2_stream *stream)
{
	const struct worker *worker = h2_worker(stream->session);
	struct exchange *exchange = stream->exchange;

	exchange_init(exchange, &ops, stream);
	exchange->body.max = worker->config->limits.max_body_bytes + 1;
	buffer_count(&exchange->body, &stream->session->held);
	request_init(&exchange->request, &exchange->arena,
	    worker->http_limits.max_header_bytes, worker->http_limits.max_header_fields);
	h2_request_begin(&stream->reader, &exchange->request, &worker->http_limits);
}

struct h2_stream *h2_stream_new(struct h2_session *session, int32_t id)
{
	struct h2_stream *stream = calloc(1, sizeof(*stream));

	if (stream == NULL) {
		return NULL;
	}
	stream->exchange = worker_take_exchange(h2_worker(session));
	if (stream->exchange == NULL) {
		free(stream);
		return NULL;
	}
	stream->session = session;
	stream->id = id;
	list_init(&stream->ready_link);
	list_init(&stream->wait_link);
	list_append(&session->streams, &stream->link);
	begin(stream);
	h2_wait_begin(stream, H2_WAIT_HEADER);
	return stream;
}

void h2_stream_fail(struct h2_stream *stream, int status, const char *reason)
{
	limits_count_status(h2_worker(stream->session), status);
	exchange_overrule(stream->exchange, status, reason);
}

void h2_stream_reset(struct h2_stream *stream, uint32_t code)
{
	struct h2_session *session = stream->session;

	if (nghttp2_submit_rst_stream(session->engine, NGHTTP2_FLAG_NONE, stream->id,
	    code) != 0) {
		session->base.cut = true;
		session->base.done = true;
	}
}

/* What the handler has taken since the last time, or what nobody will. */
static size_t count_taken(struct h2_stream *stream)
{
	size_t waiting = upload_waiting(stream->exchange);
	size_t taken = stream->untaken - waiting;

	stream->untaken = (uint32_t)waiting;
	return taken;
}

static void write_continue(struct h2_stream *stream)
{
	if (stream->continue_owed && !stream->head_written &&
	    upload_invited(stream->exchange)) {
		stream->continue_owed = false;
		h2_reply_continue(stream);
	}
}

static void wait_for_body(struct h2_stream *stream)
{
	if (!stream->head_written || stream->deferred) {
		h2_wait_quiet(stream);
	}
}

static void go_on_with_body(struct h2_stream *stream)
{
	bool waited = stream->wait == H2_WAIT_BODY;

	upload_go_on(stream->exchange);
	(void)nghttp2_session_consume_stream(stream->session->engine, stream->id,
	    count_taken(stream));
	if (waited != upload_awaits(stream->exchange)) {
		wait_for_body(stream);
	}
}

void h2_stream_go_on(struct h2_stream *stream)
{
	const struct exchange *exchange = stream->exchange;

	if (exchange->upgrade && stream->line == NULL &&
	    exchange->state == EXCHANGE_OPEN) {
		h2_line_begin(stream);
		return;
	}
	if (exchange->upload.on) {
		go_on_with_body(stream);
	}
	write_continue(stream);
}

static int admit_body(const struct h2_stream *stream, const char **reason)
{
	return limits_admit_body(stream->session->base.connection, stream->exchange,
	    &stream->session->held, reason);
}

static void dispatch(struct h2_stream *stream)
{
	struct worker *worker = h2_worker(stream->session);
	struct exchange *exchange = stream->exchange;
	const char *reason;
	int status;

	dispatch_begin(worker, exchange);
	status = exchange_judge_length(exchange, &reason);
	if (status == 0 && exchange->state == EXCHANGE_OPEN &&
	    exchange->request.has_body) {
		status = admit_body(stream, &reason);
	}
	if (exchange->state == EXCHANGE_OPEN && status != 0) {
		h2_stream_fail(stream, status, reason);
	}
	stream->continue_owed = exchange->request.expect_continue;
	if (exchange->state == EXCHANGE_OPEN && exchange->upload.on) {
		dispatch_call(worker, exchange);
	}
	h2_stream_go_on(stream);
}

/* A client has some time to learn that there are to be no more; one that does not care
 * to is not listened to any longer. */
static void count_request(struct h2_session *session)
{
	struct worker *worker = h2_worker(session);
	const struct config_limits *limits = &worker->config->limits;
	uint32_t most = limits->max_requests_per_connection;

	session->requests++;
	if (most == 0 || session->requests < most) {
		return;
	}
	if (!session->draining) {
		limits_count(worker, LIMIT_MAX_REQUESTS_PER_CONNECTION);
		h2_engine_drain(session);
	} else if (session->requests == most + limits->max_streams) {
		h2_engine_last_goaway(session);
	}
}

void h2_stream_head(struct h2_stream *stream, bool last)
{
	stream->head_read = true;
	count_request(stream->session);
	h2_wait_begin(stream, last ? H2_WAIT_NONE : H2_WAIT_BODY);
	if (h2_request_end(&stream->reader, !last) == 0) {
		dispatch(stream);
	} else {
		dispatch_identify(h2_worker(stream->session), stream->exchange);
		h2_stream_fail(stream, stream->reader.status, stream->reader.reason);
	}
	if (last) {
		h2_stream_end(stream);
	}
}

static size_t feed(struct h2_stream *stream, struct slice body, bool last)
{
	struct exchange *exchange = stream->exchange;
	const char *reason;
	int status = dispatch_body(h2_worker(stream->session), exchange, body, last,
	    &reason);

	if (status != 0) {
		h2_stream_fail(stream, status, reason);
	}
	stream->untaken += (uint32_t)body.size;
	wait_for_body(stream);
	return count_taken(stream);
}

size_t h2_stream_body(struct h2_stream *stream, struct slice body)
{
	struct exchange *exchange = stream->exchange;
	const char *reason;
	int status;

	stream->continue_owed = false;
	h2_wait_received(stream, body.size);
	if (exchange->upload.on) {
		return feed(stream, body, false);
	}
	/* Answered already: the client is told so, and may stop. */
	if (exchange->state != EXCHANGE_OPEN) {
		return body.size;
	}
	h2_wait_begin(stream, H2_WAIT_BODY);
	status = admit_body(stream, &reason);
	if (status == 0) {
		status = exchange_take_body(exchange, body, &reason);
	}
	if (status != 0) {
		/* Its client may take its time with the reply. */
		buffer_release(&exchange->body);
		h2_stream_fail(stream, status, reason);
	}
	return body.size;
}

void h2_stream_end(struct h2_stream *stream)
{
	struct exchange *exchange = stream->exchange;

	if (stream->line != NULL) {
		h2_line_end(stream);
		return;
	}
	stream->request_read = true;
	stream->continue_owed = false;
	if (stream->reader.status != 0) {
		h2_stream_fail(stream, stream->reader.status, stream->reader.reason);
	}
	if (exchange->upload.on) {
		(void)feed(stream, SLICE(""), true);
		return;
	}
	if (exchange->state != EXCHANGE_OPEN) {
		return;
	}
	h2_wait_begin(stream, H2_WAIT_NONE);
	if (buffer_terminate(&exchange->body) != 0) {
		h2_stream_fail(stream, 503, "out of memory");
		return;
	}
	dispatch_call(h2_worker(stream->session), exchange);
}

void h2_stream_free(struct h2_stream *stream)
{
	struct h2_session *session = stream->session;

	list_remove(&stream->link);
	list_remove(&stream->ready_link);
	list_remove(&stream->wait_link);
	session->base.fresh = true;
	h2_line_free(stream);
	if (stream->head_read && !stream->logged) {
		access_done(session->base.connection, stream->exchange, stream->sent);
	}
	worker_give_exchange(h2_worker(session), stream->exchange);
	free(stream);
}
