/* SPDX-License-Identifier: MIT */
/*
 * A stream that has become a WebSocket (RFC 8441): DATA both ways, a line between them.
 * What its handler does not take yet is kept, and its window not opened again.
 */
#include "worker/h2_stream.h"

#include "worker/access.h"
#include "worker/connection.h"
#include "worker/websocket.h"

static void wake(struct line *line)
{
	h2_stream_wake(line->carrier);
}

static void opened(struct line *line, int status)
{
	struct h2_stream *stream = line->carrier;

	if (status == 0) {
		stream->upgraded = true;
		return;
	}
	h2_stream_fail(stream, status, "the handler refuses it");
	line_free(line);
	stream->line = NULL;
}

static const char *info(struct line *line, const char *key)
{
	const struct h2_stream *stream = line->carrier;

	return access_info(stream->session->base.connection, &line->facts, key);
}

static const struct line_ops ops = { .wake = wake, .opened = opened, .info = info };

void h2_line_begin(struct h2_stream *stream)
{
	struct worker *worker = h2_worker(stream->session);

	h2_wait_begin(stream, H2_WAIT_NONE);
	stream->line = websocket_new(worker, stream->exchange, &ops, stream);
	if (stream->line != NULL) {
		buffer_init(&stream->kept, H2_STREAM_WINDOW);
		buffer_count(&stream->kept, &stream->session->held);
		websocket_connect(stream->line, stream->exchange);
	}
}

size_t h2_line_input(struct h2_stream *stream, struct slice bytes)
{
	size_t size = bytes.size;

	if (stream->kept.size == 0 && line_wants_input(stream->line)) {
		line_input(stream->line, &bytes);
		/* It may have answered by itself, a ping for one. */
		h2_stream_wake(stream);
	}
	if (bytes.size > 0 &&
	    buffer_append(&stream->kept, bytes.data, bytes.size) != 0) {
		line_end_input(stream->line, false);
		return size;
	}
	return size - bytes.size;
}

static void feed_kept(struct h2_stream *stream)
{
	struct slice bytes = buffer_slice(&stream->kept);
	size_t size = bytes.size;

	line_input(stream->line, &bytes);
	buffer_consume(&stream->kept, size - bytes.size);
	(void)nghttp2_session_consume_stream(stream->session->engine, stream->id,
	    size - bytes.size);
	if (bytes.size == 0) {
		buffer_release(&stream->kept);
	}
}

/* What came while the line was opening, or held up; then the end of it. */
static void feed(struct h2_stream *stream)
{
	if (stream->kept.size > 0 && line_wants_input(stream->line)) {
		feed_kept(stream);
	}
	if (stream->kept.size == 0 && stream->request_read &&
	    line_wants_input(stream->line)) {
		line_end_input(stream->line, true);
	}
}

void h2_line_end(struct h2_stream *stream)
{
	stream->request_read = true;
	feed(stream);
}

/* The engine asks for up to size bytes; it gets them by h2_reply_send. */
static ssize_t read_line(nghttp2_session *engine, int32_t id, uint8_t *buffer,
    size_t size, uint32_t *flags, nghttp2_data_source *source, void *arg)
{
	struct h2_stream *stream = source->ptr;
	struct line *line = stream->line;
	size_t left = line_output(line).size;

	(void)engine;
	(void)id;
	(void)buffer;
	(void)arg;
	if (left == 0 && line_settle(line)) {
		*flags |= NGHTTP2_DATA_FLAG_EOF;
		return line->cut ? NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE : 0;
	}
	if (left == 0) {
		stream->deferred = true;
		h2_wait_begin(stream, H2_WAIT_NONE);
		return NGHTTP2_ERR_DEFERRED;
	}
	if (connection_room(stream->session->base.connection) <= H2_FRAME_HEADER) {
		return NGHTTP2_ERR_PAUSE;
	}
	*flags |= NGHTTP2_DATA_FLAG_NO_COPY;
	return (ssize_t)(left < size ? left : size);
}

void h2_line_take(struct h2_stream *stream, char *to, size_t size)
{
	memcpy(to, line_output(stream->line).data, size);
	line_taken(stream->line, size);
}

/* A request has its line in the log when it is answered. */
static int answer(struct h2_stream *stream)
{
	const nghttp2_data_provider body = { .source.ptr = stream,
		.read_callback = read_line };
	int rc = websocket_accept(stream->line, stream->exchange);

	access_done(stream->session->base.connection, stream->exchange, 0);
	stream->logged = true;
	return rc != 0 ? rc : h2_reply_head(stream, &body);
}

int h2_line_reply(struct h2_stream *stream)
{
	feed(stream);
	if (!stream->upgraded) {
		return 0;
	}
	if (!stream->head_written) {
		return answer(stream);
	}
	if (stream->deferred) {
		stream->deferred = false;
		h2_wait_begin(stream, H2_WAIT_WINDOW);
		return nghttp2_session_resume_data(stream->session->engine, stream->id);
	}
	return 0;
}

void h2_line_free(struct h2_stream *stream)
{
	if (stream->line != NULL) {
		line_free(stream->line);
	}
	buffer_release(&stream->kept);
}
