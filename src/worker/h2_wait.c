/* SPDX-License-Identifier: MIT */
/*
 * What a stream waits for its peer to do, and for how long. Streams of one kind of wait
 * have one limit, so that the list they are in is in order of time.
 */
#include "worker/h2_stream.h"

#include "worker/connection.h"
#include "worker/limits.h"

/* Of what streams wait for, when none has until now. */
static void begin_pace(struct h2_session *session, enum h2_wait wait)
{
	struct pace *pace = wait == H2_WAIT_BODY ? &session->incoming :
	    wait == H2_WAIT_WINDOW ? &session->outgoing : NULL;

	if (pace != NULL && list_empty(&session->waiting[wait])) {
		pace_begin(pace, h2_worker(session)->loop->now_ms);
	}
}

void h2_wait_begin(struct h2_stream *stream, enum h2_wait wait)
{
	struct h2_session *session = stream->session;

	begin_pace(session, wait);
	list_remove(&stream->wait_link);
	stream->wait = (uint8_t)wait;
	stream->since_ms = h2_worker(session)->loop->now_ms;
	if (wait != H2_WAIT_NONE) {
		list_append(&session->waiting[wait], &stream->wait_link);
	}
	session->base.fresh = true;
}

void h2_wait_quiet(struct h2_stream *stream)
{
	h2_wait_begin(stream, upload_awaits(stream->exchange) ? H2_WAIT_BODY :
	    H2_WAIT_NONE);
}

static uint32_t limit_ms(const struct h2_session *session, enum h2_wait wait)
{
	const struct config_timeouts *timeouts = &h2_worker(session)->config->timeouts;

	return wait == H2_WAIT_HEADER ? timeouts->header_ms :
	    wait == H2_WAIT_BODY      ? timeouts->body_ms :
					timeouts->write_ms;
}

/* The one that has waited longest, or NULL. */
static struct h2_stream *first(const struct h2_session *session, enum h2_wait wait)
{
	const struct list *list = &session->waiting[wait];

	return list_empty(list) ? NULL :
	    LIST_OWNER(list->next, struct h2_stream, wait_link);
}

struct session_wait h2_wait_next(const struct h2_session *session)
{
	/* Handlers at work: how long they may take is not up to the client. */
	struct session_wait next = { .what = H2_WAIT_HANDLERS, .whole = true, .ms = 0 };
	int64_t now_ms = h2_worker(session)->loop->now_ms;

	if (list_empty(&session->streams)) {
		return (struct session_wait){ SESSION_IDLE, false,
			session_idle_ms(h2_worker(session)) };
	}
	/* All that it has sent is read. */
	if (session->ending && session->base.connection->tls.hung_up) {
		return (struct session_wait){ H2_WAIT_LEFT, false, SESSION_LEFT_MS };
	}
	for (enum h2_wait wait = H2_WAIT_HEADER; wait < H2_WAITS; wait++) {
		const struct h2_stream *stream = first(session, wait);
		int64_t left_ms;

		if (stream == NULL) {
			continue;
		}
		left_ms = stream->since_ms + limit_ms(session, wait) - now_ms;
		left_ms = left_ms < 1 ? 1 : left_ms;
		if (next.ms == 0 || left_ms < next.ms) {
			next.what = (uint8_t)wait;
			next.ms = (uint32_t)left_ms;
		}
	}
	return next;
}

/* Is it the client's window that keeps the reply, and not another stream's precedence? */
static bool is_held(const struct h2_stream *stream)
{
	nghttp2_session *engine = stream->session->engine;

	return nghttp2_session_get_stream_remote_window_size(engine, stream->id) <= 0 ||
	    nghttp2_session_get_remote_window_size(engine) <= 0;
}

/* One stream that is held is what a paused download looks like; a client that lets
 * nothing go out at all keeps our memory. */
static void expire_window(struct h2_stream *stream)
{
	struct h2_session *session = stream->session;
	int64_t now_ms = h2_worker(session)->loop->now_ms;

	if (!is_held(stream)) {
		h2_wait_begin(stream, H2_WAIT_WINDOW);
		return;
	}
	if (now_ms - session->moved_ms >= limit_ms(session, H2_WAIT_WINDOW)) {
		session->abuse = "keeps its window shut";
	}
	limits_count(h2_worker(session), LIMIT_WRITE_MS);
	h2_wait_begin(stream, H2_WAIT_NONE);
	h2_stream_reset(stream, NGHTTP2_CANCEL);
}

static void expire(struct h2_stream *stream)
{
	struct h2_session *session = stream->session;

	switch (stream->wait) {
	case H2_WAIT_WINDOW:
		expire_window(stream);
		break;
	case H2_WAIT_BODY:
		h2_wait_begin(stream, H2_WAIT_NONE);
		limits_count(h2_worker(session), LIMIT_BODY_MS);
		h2_stream_fail(stream, 408, "the request did not come in time");
		break;
	default:
		/* Nothing else can be said within a header section. */
		h2_wait_begin(stream, H2_WAIT_NONE);
		limits_count(h2_worker(session), LIMIT_HEADER_MS);
		session->abuse = "does not end a header";
		break;
	}
}

void h2_wait_expire(struct h2_session *session)
{
	int64_t now_ms = h2_worker(session)->loop->now_ms;

	for (enum h2_wait wait = H2_WAIT_HEADER; wait < H2_WAITS; wait++) {
		struct h2_stream *stream = first(session, wait);

		while (stream != NULL &&
		    now_ms - stream->since_ms >= limit_ms(session, wait)) {
			expire(stream);
			stream = first(session, wait);
		}
	}
}

static bool is_slow(const struct h2_session *session, struct pace *pace, uint32_t rate)
{
	const struct worker *worker = h2_worker(session);

	return pace_slow(pace, worker->loop->now_ms, worker->config->timeouts.slow_ms,
	    rate);
}

void h2_wait_received(struct h2_stream *stream, size_t size)
{
	struct h2_session *session = stream->session;
	struct worker *worker = h2_worker(session);

	session->incoming.bytes += size;
	if (stream->wait == H2_WAIT_BODY && is_slow(session, &session->incoming,
	    worker->config->limits.min_body_bytes_per_s)) {
		limits_met(worker, LIMIT_MIN_BODY_BYTES_PER_S,
		    &session->base.connection->peer, "answered 408");
		h2_wait_begin(stream, H2_WAIT_NONE);
		h2_stream_fail(stream, 408, "the request came too slowly");
	}
}

void h2_wait_sent(struct h2_stream *stream, size_t size)
{
	struct h2_session *session = stream->session;
	struct worker *worker = h2_worker(session);

	session->outgoing.bytes += size;
	session->moved_ms = worker->loop->now_ms;
	if (stream->wait == H2_WAIT_WINDOW && session->abuse == NULL &&
	    is_slow(session, &session->outgoing,
		worker->config->limits.min_send_bytes_per_s)) {
		limits_met(worker, LIMIT_MIN_SEND_BYTES_PER_S,
		    &session->base.connection->peer, "closed");
		session->abuse = "opens its window too slowly";
	}
	h2_wait_begin(stream, H2_WAIT_WINDOW);
}
