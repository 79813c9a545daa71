/* SPDX-License-Identifier: MIT */
/*
 * A stream's reply: a header for the engine, then DATA as it asks for it. Each DATA frame
 * ends with the TLS record it is written into, and its bytes are copied once, from the
 * exchange to behind their frame's header: a record of their own would cost more.
 */
#include "worker/h2_stream.h"

#include "worker/connection.h"

/* Plain bytes of a TLS record; every client takes DATA of that size (RFC 9113 section
 * 4.2). */
#define RECORD_BYTES 16384
#define EXTRA_FIELDS 3		/* :status, date, content-length */

/* Fields for the engine: on the stack, as it copies the array, but not the texts. */
struct fields {
	nghttp2_nv items[REPLY_MAX_FIELDS + EXTRA_FIELDS];
	size_t count;
};

#define KEEP (NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE)

/* Texts must stay until the stream ends, or flags say otherwise. The engine's type is not
 * const, but it does not write. */
static void add(struct fields *fields, struct slice name, struct slice value,
    uint8_t flags)
{
	fields->items[fields->count++] = (nghttp2_nv){ .name = (uint8_t *)name.data,
		.namelen = name.size, .value = (uint8_t *)value.data,
		.valuelen = value.size, .flags = flags };
}

static void add_head(struct fields *fields, const struct head *head)
{
	for (uint32_t i = 0; i < head->count; i++) {
		add(fields, head_name(head, i), head_value(head, i), KEEP);
	}
}

static struct slice status_text(struct h2_stream *stream)
{
	int status = stream->exchange->reply.status;

	for (int i = 2; i >= 0; i--) {
		stream->status[i] = (char)('0' + status % 10);
		status /= 10;
	}
	return (struct slice){ stream->status, sizeof(stream->status) };
}

static struct slice length_text(struct h2_stream *stream)
{
	int64_t length = stream->exchange->reply.content_length;
	size_t at = sizeof(stream->length);

	do {
		stream->length[--at] = (char)('0' + length % 10);
		length /= 10;
	} while (length > 0);
	return (struct slice){ stream->length + at, sizeof(stream->length) - at };
}

/* RFC 9110 section 8.6; the exchange sees to 204 and 205. */
static bool says_length(const struct exchange *exchange)
{
	bool tunnel = exchange->request.method_id == HTTP_CONNECT &&
	    exchange->reply.status < 300;

	return exchange->reply.content_length >= 0 && !tunnel;
}

static void collect(struct h2_stream *stream, struct fields *fields)
{
	const struct reply *reply = &stream->exchange->reply;

	fields->count = 0;
	add(fields, SLICE(":status"), status_text(stream), KEEP);
	if (head_find(&reply->head, SLICE("date")).data == NULL) {
		/* The worker's text changes every second. */
		add(fields, SLICE("date"), worker_date(h2_worker(stream->session)),
		    NGHTTP2_NV_FLAG_NO_COPY_NAME);
	}
	if (says_length(stream->exchange)) {
		add(fields, SLICE("content-length"), length_text(stream), KEEP);
	}
	add_head(fields, &reply->head);
}

static int submit_trailer(struct h2_stream *stream)
{
	struct fields fields;

	fields.count = 0;
	add_head(&fields, &stream->exchange->reply.trailer);
	return nghttp2_submit_trailer(stream->session->engine, stream->id, fields.items,
	    fields.count);
}

/* These are the last bytes of the body: behind them comes the end, or a trailer. */
static int end_body(struct h2_stream *stream, uint32_t *flags)
{
	*flags |= NGHTTP2_DATA_FLAG_EOF;
	if (!exchange_sends_trailer(stream->exchange)) {
		return 0;
	}
	*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
	return submit_trailer(stream);
}

/* The engine asks for up to size bytes; it gets them by h2_reply_send. */
static ssize_t read_body(nghttp2_session *engine, int32_t id, uint8_t *buffer,
    size_t size, uint32_t *flags, nghttp2_data_source *source, void *arg)
{
	struct h2_stream *stream = source->ptr;
	const struct exchange *exchange = stream->exchange;
	uint64_t left = (uint64_t)exchange->pieces.left;

	(void)engine;
	(void)id;
	(void)buffer;
	(void)arg;
	if (left == 0 && exchange->state == EXCHANGE_BROKEN) {
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	}
	if (left == 0 && exchange->state == EXCHANGE_STARTED) {
		stream->deferred = true;
		h2_wait_quiet(stream);
		return NGHTTP2_ERR_DEFERRED;
	}
	if (connection_room(stream->session->base.connection) <= H2_FRAME_HEADER) {
		return NGHTTP2_ERR_PAUSE;
	}
	*flags |= NGHTTP2_DATA_FLAG_NO_COPY;
	if (left > size) {
		return (ssize_t)size;
	}
	if (exchange->state == EXCHANGE_ENDED && end_body(stream, flags) != 0) {
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	}
	return (ssize_t)left;
}

/*
 * As much as makes the record full. But a window that is less is used up by one frame, or
 * by two halves: a client that opens it by what each frame had would get ever smaller
 * frames if records cut them, too.
 */
ssize_t h2_reply_frame_size(nghttp2_session *engine, uint8_t type, int32_t id,
    int32_t session_window, int32_t stream_window, uint32_t max_frame_size, void *arg)
{
	const struct h2_session *session = arg;
	size_t held = h2_worker(session)->out.size % RECORD_BYTES;
	int32_t window = session_window < stream_window ? session_window : stream_window;

	(void)engine;
	(void)type;
	(void)id;
	(void)max_frame_size;
	if (window <= RECORD_BYTES) {
		return window;
	}
	if (window < 2 * RECORD_BYTES) {
		return window / 2;
	}
	if (held + H2_FRAME_HEADER >= RECORD_BYTES) {
		return RECORD_BYTES - H2_FRAME_HEADER;
	}
	return (ssize_t)(RECORD_BYTES - H2_FRAME_HEADER - held);
}

/* Takes size bytes off the body. */
static int take(struct pieces *pieces, char *to, size_t size)
{
	while (size > 0) {
		struct slice piece;
		int rc = pieces_peek(pieces, to, size, &piece);

		if (rc != 0) {
			return rc;
		}
		if (piece.data != to) {
			memcpy(to, piece.data, piece.size);
		}
		pieces_consume(pieces, piece.size);
		to += piece.size;
		size -= piece.size;
	}
	return 0;
}

int h2_reply_send(nghttp2_session *engine, nghttp2_frame *frame, const uint8_t *header,
    size_t size, nghttp2_data_source *source, void *arg)
{
	struct h2_stream *stream = source->ptr;
	struct h2_session *session = arg;
	struct buffer *out = &h2_worker(session)->out;
	char *to;

	(void)engine;
	(void)frame;
	if (buffer_reserve(out, H2_FRAME_HEADER + size, &to) != 0) {
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	}
	memcpy(to, header, H2_FRAME_HEADER);
	if (stream->line != NULL) {
		h2_line_take(stream, to + H2_FRAME_HEADER, size);
	} else if (take(&stream->exchange->pieces, to + H2_FRAME_HEADER, size) != 0) {
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	}
	buffer_commit(out, H2_FRAME_HEADER + size);
	stream->sent += size;
	h2_guard_sent(&session->guard, (uint32_t)size);
	h2_wait_sent(stream, size);
	if (out->size >= RECORD_BYTES &&
	    connection_write(session->base.connection, SLICE("")) != 0) {
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	}
	/* What it brings is for the next turn. */
	if (stream->line == NULL) {
		exchange_taken(stream->exchange);
	}
	return 0;
}

int h2_reply_head(struct h2_stream *stream, const nghttp2_data_provider *body)
{
	struct fields fields;

	collect(stream, &fields);
	stream->head_written = true;
	h2_wait_begin(stream, body == NULL ? H2_WAIT_NONE : H2_WAIT_WINDOW);
	return nghttp2_submit_response(stream->session->engine, stream->id, fields.items,
	    fields.count, body);
}

static int submit(struct h2_stream *stream)
{
	const struct exchange *exchange = stream->exchange;
	nghttp2_data_provider body = { .source.ptr = stream, .read_callback = read_body };
	bool whole = exchange->state == EXCHANGE_ENDED && exchange->pieces.left == 0 &&
	    !exchange_sends_trailer(exchange);
	/* Complete with its header, however long the handler goes on, but for one that
	 * takes a body meanwhile: the end of the reply would be that of the stream. */
	bool bare = exchange->state == EXCHANGE_STARTED && !upload_takes(exchange) &&
	    !http_reply_has_body(exchange->request.method_id, exchange->reply.status);

	return h2_reply_head(stream, whole || bare ? NULL : &body);
}

void h2_reply(struct h2_stream *stream)
{
	int rc = 0;

	h2_stream_go_on(stream);
	if (stream->line != NULL) {
		rc = h2_line_reply(stream);
	} else if (stream->exchange->state == EXCHANGE_OPEN) {
		return;
	} else if (!stream->head_written && stream->exchange->state != EXCHANGE_BROKEN) {
		rc = submit(stream);
	} else if (!stream->head_written) {
		rc = NGHTTP2_ERR_INVALID_STATE;
	} else if (stream->deferred) {
		stream->deferred = false;
		h2_wait_begin(stream, H2_WAIT_WINDOW);
		rc = nghttp2_session_resume_data(stream->session->engine, stream->id);
	}
	if (rc != 0) {
		h2_stream_reset(stream, NGHTTP2_INTERNAL_ERROR);
	}
}

void h2_reply_continue(struct h2_stream *stream)
{
	struct fields fields;

	fields.count = 0;
	add(&fields, SLICE(":status"), SLICE("100"), KEEP);
	(void)nghttp2_submit_headers(stream->session->engine, NGHTTP2_FLAG_NONE,
	    stream->id, NULL, fields.items, fields.count, NULL);
}
