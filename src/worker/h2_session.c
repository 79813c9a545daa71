/* SPDX-License-Identifier: MIT */
/*
 * HTTP/2 on a connection: bytes in and out, and the end. nghttp2 forgets a stream when it
 * ends, priorities of RFC 7540 being off: what comes for it later is judged here.
 */
#include "worker/h2_session.h"

#include <stdlib.h>

#include "base/log.h"
#include "os/socket.h"
#include "worker/connection.h"
#include "worker/h2_stream.h"

/* Says GOAWAY and takes nothing more. What waits to be sent but control frames is not. */
static void end_session(struct h2_session *session, uint32_t code)
{
	session->ending = true;
	if (nghttp2_session_terminate_session(session->engine, code) != 0) {
		session->base.cut = true;
		session->base.done = true;
	}
}

static void end_abuse(struct h2_session *session)
{
	const struct connection *connection = session->base.connection;
	char client[SOCKET_NAME_BYTES];

	socket_address_name(&connection->peer, client);
	log_say(LOG_WARN, "HTTP/2 client %s %s: connection closed", client,
	    session->abuse);
	counter_add(&connection->worker->self->abuses, 1);
	end_session(session, NGHTTP2_ENHANCE_YOUR_CALM);
}

static void free_session(struct session *base)
{
	struct h2_session *session = (struct h2_session *)base;

	if (!session->spoilt) {
		nghttp2_session_del(session->engine);
	}
	while (!list_empty(&session->streams)) {
		h2_stream_free(LIST_OWNER(session->streams.next, struct h2_stream, link));
	}
	free(session);
}

static bool wants_input(const struct session *base)
{
	const struct h2_session *session = (const struct h2_session *)base;

	return !base->done && !session->ending;
}

/* Frames that nghttp2 would pass over. NGHTTP2_NO_ERROR, or why the session ends. */
static uint32_t judge_stale(const struct h2_session *session,
    const struct h2_frame *frame)
{
	int32_t id = (int32_t)frame->stream;

	if ((frame->type != H2_DATA && frame->type != H2_HEADERS) || frame->stream == 0 ||
	    frame->stream % 2 == 0 || frame->stream > session->history.newest ||
	    nghttp2_session_find_stream(session->engine, id) != NULL) {
		return NGHTTP2_NO_ERROR;
	}
	switch (h2_history_judge(&session->history, frame->stream)) {
	case H2_STALE_ENDED:
		return NGHTTP2_STREAM_CLOSED;
	case H2_STALE_NEVER:
		return NGHTTP2_PROTOCOL_ERROR;
	default:
		return NGHTTP2_NO_ERROR;
	}
}

static void note_stream(struct h2_history *history, const struct h2_frame *frame)
{
	bool carries = frame->type == H2_DATA || frame->type == H2_HEADERS;

	if (frame->type == H2_HEADERS && frame->stream % 2 == 1 &&
	    frame->stream > history->newest) {
		h2_history_begin(history, frame->stream);
	}
	if (frame->type == H2_RST_STREAM ||
	    (carries && (frame->flags & H2_END_STREAM) != 0)) {
		h2_history_end(history, frame->stream);
	}
}

/* Of no stream, or of one on itself (RFC 9113 section 6.3, RFC 7540 section 5.3.1), or
 * for none (RFC 9218 section 7.1). */
static bool bad_priority(const struct h2_frame *frame)
{
	if (frame->type == H2_PRIORITY) {
		return frame->stream == frame->other;
	}
	return frame->type == H2_PRIORITY_UPDATE && frame->size >= H2_STREAM_BYTES &&
	    frame->other == 0;
}

/* A frame's header has come, and nghttp2 has everything before it. */
static void begin_frame(struct h2_session *session, const struct h2_frame *frame)
{
	uint32_t code = judge_stale(session, frame);

	if (bad_priority(frame)) {
		code = NGHTTP2_PROTOCOL_ERROR;
	}
	session->abuse = h2_guard_frame(&session->guard, frame,
	    h2_worker(session)->loop->now_ms);
	if (session->abuse != NULL) {
		end_abuse(session);
	} else if (code != NGHTTP2_NO_ERROR) {
		end_session(session, code);
	} else {
		note_stream(&session->history, frame);
	}
}

/* What nghttp2 cannot go on after. */
static void fail(struct h2_session *session, ssize_t code)
{
	if (code == NGHTTP2_ERR_FLOODED) {
		session->abuse = "sent too many frames to answer";
	} else if (code == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS) {
		session->abuse = "sent too many CONTINUATION frames";
	}
	if (session->abuse != NULL) {
		end_abuse(session);
	} else if (code == NGHTTP2_ERR_BAD_CLIENT_MAGIC) {
		end_session(session, NGHTTP2_PROTOCOL_ERROR);
	} else {
		session->base.cut = true;
		session->base.done = true;
	}
}

static void feed(struct h2_session *session, struct slice piece)
{
	ssize_t taken = nghttp2_session_mem_recv(session->engine,
	    (const uint8_t *)piece.data, piece.size);

	if (taken < 0) {
		fail(session, taken);
	}
}

/* Gives what nghttp2 has ready for the connection, as far as room goes. */
static void write_frames(struct h2_session *session)
{
	struct connection *connection = session->base.connection;
	struct buffer *out = &connection->worker->out;
	const uint8_t *data;
	ssize_t size = 1;

	while (size > 0 && connection_room(connection) > 0) {
		size = nghttp2_session_mem_send(session->engine, &data);
		if (size < 0 ||
		    (size > 0 && buffer_append(out, data, (size_t)size) != 0)) {
			session->spoilt |= size == NGHTTP2_ERR_NOMEM;
			session->base.cut = true;
			session->base.done = true;
			return;
		}
	}
}

static void write_output(struct h2_session *session)
{
	while (!list_empty(&session->ready)) {
		struct list *link = session->ready.next;

		list_remove(link);
		h2_reply(LIST_OWNER(link, struct h2_stream, ready_link));
	}
	write_frames(session);
	if (session->abuse != NULL && !session->ending) {
		end_abuse(session);
		write_frames(session);
	}
	if (!nghttp2_session_want_read(session->engine) &&
	    !nghttp2_session_want_write(session->engine)) {
		session->base.done = true;
	}
}

static void input(struct session *base, struct slice *bytes)
{
	struct h2_session *session = (struct h2_session *)base;
	struct h2_frame frame;
	struct slice piece;

	while (bytes->size > 0 && wants_input(base)) {
		if (h2_frames_next(&session->frames, bytes, &piece, &frame)) {
			begin_frame(session, &frame);
		}
		if (!session->ending) {
			feed(session, piece);
		}
	}
	write_output(session);
}

/* Requests that are whole are still answered, as far as the windows are open. */
static void end_input(struct session *base, bool in_order)
{
	struct h2_session *session = (struct h2_session *)base;
	struct list *link = session->streams.next;

	session->ending = true;
	if (!in_order) {
		base->cut = true;
		base->done = true;
		return;
	}
	while (link != &session->streams) {
		struct h2_stream *stream = LIST_OWNER(link, struct h2_stream, link);

		link = link->next;
		if (!stream->request_read) {
			h2_stream_reset(stream, NGHTTP2_CANCEL);
		}
	}
	h2_engine_last_goaway(session);
	write_output(session);
}

static void output(struct session *base)
{
	write_output((struct h2_session *)base);
}

static bool has_output(const struct session *base)
{
	const struct h2_session *session = (const struct h2_session *)base;

	return !base->done && (!list_empty(&session->ready) ||
	    nghttp2_session_want_write(session->engine));
}

static struct session_wait wait(const struct session *base)
{
	return h2_wait_next((const struct h2_session *)base);
}

static void timeout(struct session *base)
{
	struct h2_session *session = (struct h2_session *)base;

	if (h2_wait_next(session).what == H2_WAIT_LEFT) {
		base->cut = true;
		base->done = true;
		return;
	}
	if (list_empty(&session->streams)) {
		end_session(session, NGHTTP2_NO_ERROR);
	} else {
		h2_wait_expire(session);
	}
	write_output(session);
}

static void drain_lines(struct h2_session *session)
{
	for (struct list *link = session->streams.next; link != &session->streams;
	     link = link->next) {
		struct h2_stream *stream = LIST_OWNER(link, struct h2_stream, link);

		if (stream->line != NULL) {
			line_drain(stream->line);
		}
	}
}

static void drain(struct session *base)
{
	struct h2_session *session = (struct h2_session *)base;

	drain_lines(session);
	h2_engine_drain(session);
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

struct session *h2_session_new(struct connection *connection)
{
	struct h2_session *session = calloc(1, sizeof(*session));

	if (session == NULL) {
		return NULL;
	}
	session->base.ops = &session_ops;
	session->base.connection = connection;
	session->held.of = &connection->worker->held;
	list_init(&session->streams);
	list_init(&session->ready);
	for (int i = 0; i < H2_WAITS; i++) {
		list_init(&session->waiting[i]);
	}
	h2_frames_init(&session->frames);
	h2_guard_init(&session->guard, connection->worker->loop->now_ms);
	if (h2_engine_open(session) != 0) {
		free_session(&session->base);
		return NULL;
	}
	if (connection->worker->draining) {
		drain(&session->base);
	}
	return &session->base;
}
