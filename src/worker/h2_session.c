/* SPDX-License-Identifier: MIT */
/*
 * HTTP/2 on a connection: nghttp2 between the plain bytes and the streams.
 *
 * nghttp2 is told to hold clients to HTTP's rules, and to open a window only for what was
 * taken. It forgets a stream when it ends, priorities of RFC 7540 being off: what comes
 * for it later is judged here.
 */
#include "worker/h2_session.h"

#include <stdlib.h>

#include "base/log.h"
#include "os/socket.h"
#include "worker/connection.h"
#include "worker/h2_stream.h"

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
		h2_stream_body(stream, (struct slice){ (const char *)data, size });
	}
	/* A handler that holds up its own client does not hold up the other streams. */
	rc = nghttp2_session_consume_connection(engine, size);
	return rc != 0 ? rc : nghttp2_session_consume_stream(engine, id, taken);
}

static int charge(struct h2_session *session, enum h2_charge kind)
{
	session->abuse = h2_guard_charge(&session->guard, kind,
	    h2_worker(session)->loop->now_ms);
	return session->abuse == NULL ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* A drain has two notices: streams that are on their way when the first is sent still
 * count. The client's answer to a PING, sent behind it as nghttp2 would send it before,
 * says that there are no more of them. */
static void on_drained(struct h2_session *session)
{
	nghttp2_session *engine = session->engine;

	(void)nghttp2_submit_goaway(engine, NGHTTP2_FLAG_NONE,
	    nghttp2_session_get_last_proc_stream_id(engine), NGHTTP2_NO_ERROR, NULL, 0);
}

static void on_ping(struct h2_session *session, const nghttp2_ping *ping)
{
	if (session->draining && (ping->hd.flags & NGHTTP2_FLAG_ACK) != 0 &&
	    memcmp(ping->opaque_data, drain_mark, sizeof(drain_mark)) == 0) {
		on_drained(session);
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

static void free_session(struct session *base)
{
	struct h2_session *session = (struct h2_session *)base;

	nghttp2_session_del(session->engine);
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
			(void)nghttp2_submit_rst_stream(session->engine,
			    NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_CANCEL);
		}
	}
	on_drained(session);
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

	session->draining = true;
	drain_lines(session);
	(void)nghttp2_submit_shutdown_notice(session->engine);
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

struct session *h2_session_new(struct connection *connection)
{
	struct h2_session *session = calloc(1, sizeof(*session));

	if (session == NULL) {
		return NULL;
	}
	session->base.ops = &session_ops;
	session->base.connection = connection;
	list_init(&session->streams);
	list_init(&session->ready);
	for (int i = 0; i < H2_WAITS; i++) {
		list_init(&session->waiting[i]);
	}
	h2_frames_init(&session->frames);
	h2_guard_init(&session->guard, connection->worker->loop->now_ms);
	if (open_engine(session) != 0 || submit_settings(session) != 0) {
		free_session(&session->base);
		return NULL;
	}
	if (connection->worker->draining) {
		drain(&session->base);
	}
	return &session->base;
}
