/* SPDX-License-Identifier: MIT */
/*
 * nghttp2 as an HTTP/2 session uses it: what it is told at the start, and what it calls.
 * It holds clients to HTTP's rules, and opens a window only for what was taken.
 */
#include "worker/h2_stream.h"

#include "worker/limits.h"

#define SESSION_WINDOW (1 << 20)
/* A header section within the limits comes in one frame or a few. */
#define CONTINUATIONS 8
#define CONTINUATION_BYTES 4096
/* Of a reply's header: a handler may have filled it to the brim. */
#define SEND_HEADER_BYTES (256 * 1024)

static const uint8_t drain_mark[8] = { 't', 'i', 'n', 'c', 'a', 'n', 0, 0 };

static struct h2_session *session_of(void *arg)
{
	return arg;
}

static struct h2_stream *stream_of(struct h2_session *session, int32_t id)
{
	return nghttp2_session_get_stream_user_data(session->engine, id);
}

static bool opens_stream(const nghttp2_frame *frame)
{
	return frame->hd.type == NGHTTP2_HEADERS &&
	    frame->headers.cat == NGHTTP2_HCAT_REQUEST;
}

static int on_begin_headers(nghttp2_session *engine, const nghttp2_frame *frame,
    void *arg)
{
	struct h2_session *session = session_of(arg);
	struct h2_stream *stream;

	if (!opens_stream(frame)) {
		return 0;
	}
	stream = h2_stream_new(session, frame->hd.stream_id);
	if (stream == NULL) {
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	}
	return nghttp2_session_set_stream_user_data(engine, stream->id, stream);
}

static int on_header(nghttp2_session *engine, const nghttp2_frame *frame,
    const uint8_t *name, size_t name_size, const uint8_t *value, size_t value_size,
    uint8_t flags, void *arg)
{
	struct h2_session *session = session_of(arg);
	struct h2_stream *stream = stream_of(session, frame->hd.stream_id);
	struct slice field = { (const char *)name, name_size };
	struct slice text = { (const char *)value, value_size };
	int rc;

	(void)engine;
	(void)flags;
	if (stream == NULL) {
		return 0;
	}
	rc = opens_stream(frame) ? h2_request_field(&stream->reader, field, text)
	    : h2_request_trailer(&stream->reader, field, text);
	if (rc != 0) {
		session->abuse = "sent a header that grows when it is unpacked";
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	}
	return 0;
}

static int on_data(nghttp2_session *engine, uint8_t flags, int32_t id,
    const uint8_t *data, size_t size, void *arg)
{
	struct h2_stream *stream = stream_of(session_of(arg), id);
	size_t taken = size;
	int rc;

	(void)flags;
	if (stream != NULL && stream->line != NULL) {
		taken = h2_line_input(stream, (struct slice){ (const char *)data, size });
	} else if (stream != NULL) {
		taken = h2_stream_body(stream,
		    (struct slice){ (const char *)data, size });
	}
	/* A handler that holds up its own client does not hold up the other streams. */
	rc = nghttp2_session_consume_connection(engine, size);
	return rc != 0 ? rc : nghttp2_session_consume_stream(engine, id, taken);
}

static bool is_full(const struct h2_session *session)
{
	uint32_t left = nghttp2_session_get_local_settings(session->engine,
	    NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);

	for (const struct list *link = session->streams.next;
	     left > 0 && link != &session->streams; link = link->next) {
		left--;
	}
	return left == 0;
}

/* A stream too many is refused until the client has acknowledged how many there may be;
 * then it is an error of the connection. */
static int on_invalid(nghttp2_session *engine, const nghttp2_frame *frame, int error,
    void *arg)
{
	struct h2_session *session = session_of(arg);

	(void)engine;
	if (opens_stream(frame) && (error == NGHTTP2_ERR_REFUSED_STREAM ||
	    (error == NGHTTP2_ERR_PROTO && is_full(session)))) {
		limits_count(h2_worker(session), LIMIT_MAX_STREAMS);
	}
	return 0;
}

static int charge(struct h2_session *session, enum h2_charge kind)
{
	session->abuse = h2_guard_charge(&session->guard, kind,
	    h2_worker(session)->loop->now_ms);
	return session->abuse == NULL ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

void h2_engine_drain(struct h2_session *session)
{
	session->draining = true;
	(void)nghttp2_submit_shutdown_notice(session->engine);
}

void h2_engine_last_goaway(struct h2_session *session)
{
	nghttp2_session *engine = session->engine;

	(void)nghttp2_submit_goaway(engine, NGHTTP2_FLAG_NONE,
	    nghttp2_session_get_last_proc_stream_id(engine), NGHTTP2_NO_ERROR, NULL, 0);
}

/* A drain has two notices: streams that are on their way when the first is sent still
 * count. The client's answer to a PING, sent behind it as nghttp2 would send it before,
 * says that there are no more of them. */
static void on_ping(struct h2_session *session, const nghttp2_ping *ping)
{
	if (session->draining && (ping->hd.flags & NGHTTP2_FLAG_ACK) != 0 &&
	    memcmp(ping->opaque_data, drain_mark, sizeof(drain_mark)) == 0) {
		h2_engine_last_goaway(session);
	}
}

static int on_frame(nghttp2_session *engine, const nghttp2_frame *frame, void *arg)
{
	struct h2_session *session = session_of(arg);
	struct h2_stream *stream = stream_of(session, frame->hd.stream_id);
	bool last = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;

	(void)engine;
	if (frame->hd.type == NGHTTP2_PING) {
		on_ping(session, &frame->ping);
	}
	if (stream == NULL) {
		return 0;
	}
	if (opens_stream(frame)) {
		h2_stream_head(stream, last);
	} else if (frame->hd.type == NGHTTP2_HEADERS && last) {
		h2_stream_end(stream);
	} else if (frame->hd.type == NGHTTP2_DATA && last) {
		h2_stream_end(stream);
	} else if (frame->hd.type == NGHTTP2_DATA &&
	    frame->hd.length > 0 && frame->hd.length == frame->data.padlen) {
		return charge(session, H2_CHARGE_FRAME);
	}
	return 0;
}

static int on_stream_close(nghttp2_session *engine, int32_t id, uint32_t code, void *arg)
{
	struct h2_session *session = session_of(arg);
	struct h2_stream *stream = stream_of(session, id);

	(void)engine;
	(void)code;
	if (stream == NULL) {
		return 0;
	}
	if (stream->reply_written) {
		h2_guard_answered(&session->guard);
	}
	h2_stream_free(stream);
	return 0;
}

/* RFC 9113 section 8.1: who is answered need not send the rest of its request. */
static int end_reply(struct h2_stream *stream)
{
	stream->reply_written = true;
	h2_wait_begin(stream, H2_WAIT_NONE);
	if (stream->request_read) {
		return 0;
	}
	return nghttp2_submit_rst_stream(stream->session->engine, NGHTTP2_FLAG_NONE,
	    stream->id, NGHTTP2_NO_ERROR);
}

/* By a client's fault, and as costly as if it had reset the stream itself. */
static bool is_fault(uint32_t code)
{
	return code != NGHTTP2_NO_ERROR && code != NGHTTP2_INTERNAL_ERROR &&
	    code != NGHTTP2_CANCEL;
}

static int on_frame_sent(nghttp2_session *engine, const nghttp2_frame *frame, void *arg)
{
	struct h2_session *session = session_of(arg);
	struct h2_stream *stream = stream_of(session, frame->hd.stream_id);
	uint8_t type = frame->hd.type;

	if (type == NGHTTP2_RST_STREAM && is_fault(frame->rst_stream.error_code) &&
	    session->abuse == NULL) {
		(void)charge(session, H2_CHARGE_RESET);
	}
	if (type == NGHTTP2_GOAWAY && frame->goaway.last_stream_id == INT32_MAX) {
		return nghttp2_submit_ping(engine, NGHTTP2_FLAG_NONE, drain_mark);
	}
	if (stream != NULL && (type == NGHTTP2_DATA || type == NGHTTP2_HEADERS) &&
	    (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
		return end_reply(stream);
	}
	return 0;
}

static nghttp2_session_callbacks *new_callbacks(void)
{
	nghttp2_session_callbacks *calls;

	if (nghttp2_session_callbacks_new(&calls) != 0) {
		return NULL;
	}
	nghttp2_session_callbacks_set_on_begin_headers_callback(calls, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(calls, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(calls, on_frame);
	nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(calls, on_invalid);
	nghttp2_session_callbacks_set_on_stream_close_callback(calls, on_stream_close);
	nghttp2_session_callbacks_set_on_frame_send_callback(calls, on_frame_sent);
	nghttp2_session_callbacks_set_send_data_callback(calls, h2_reply_send);
	nghttp2_session_callbacks_set_data_source_read_length_callback(calls,
	    h2_reply_frame_size);
	return calls;
}

static nghttp2_option *new_options(const struct worker *worker)
{
	nghttp2_option *options;

	if (nghttp2_option_new(&options) != 0) {
		return NULL;
	}
	nghttp2_option_set_no_auto_window_update(options, 1);
	nghttp2_option_set_no_closed_streams(options, 1);
	nghttp2_option_set_builtin_recv_extension_type(options, NGHTTP2_PRIORITY_UPDATE);
	nghttp2_option_set_max_send_header_block_length(options, SEND_HEADER_BYTES);
	nghttp2_option_set_max_continuations(options,
	    CONTINUATIONS + worker->http_limits.max_header_bytes / CONTINUATION_BYTES);
	/* The guard counts them. */
	nghttp2_option_set_stream_reset_rate_limit(options, UINT64_MAX, UINT64_MAX);
	return options;
}

static int open_engine(struct h2_session *session)
{
	nghttp2_session_callbacks *calls = new_callbacks();
	nghttp2_option *options = new_options(h2_worker(session));
	int rc = NGHTTP2_ERR_NOMEM;

	if (calls != NULL && options != NULL) {
		rc = nghttp2_session_server_new2(&session->engine, calls, session,
		    options);
	}
	nghttp2_option_del(options);
	nghttp2_session_callbacks_del(calls);
	return rc;
}

/* Our connection preface (RFC 9113 section 3.4). */
static int submit_settings(struct h2_session *session)
{
	const struct config_limits *limits = &h2_worker(session)->config->limits;
	const nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits->max_streams },
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, H2_STREAM_WINDOW },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits->max_header_bytes },
		{ NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1 },
		{ NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1 }
	};
	int rc = nghttp2_submit_settings(session->engine, NGHTTP2_FLAG_NONE, settings,
	    sizeof(settings) / sizeof(settings[0]));

	return rc != 0 ? rc : nghttp2_session_set_local_window_size(session->engine,
	    NGHTTP2_FLAG_NONE, 0, SESSION_WINDOW);
}

int h2_engine_open(struct h2_session *session)
{
	int rc = open_engine(session);

	return rc != 0 ? rc : submit_settings(session);
}
