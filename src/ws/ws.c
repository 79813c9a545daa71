/* SPDX-License-Identifier: MIT */
/* The endpoint: what answers what, and how it ends. */
#include "ws/ws.h"

#include <string.h>

#define PACK_MIN 1024	/* bytes of a message that is worth being compressed */
#define KEPT_BYTES 65536	/* of the shared buffer, from one message to the next */
#define PONG_HEADER 2u	/* bytes before the payload of a control frame */
#define PONG_ROOM 4096	/* bytes in out up to which each ping is answered */
/* Kept free in out, so that the last word always has room: the close frame. */
#define CLOSE_BYTES (WS_HEADER_MAX + WS_CONTROL_MAX)

void ws_init(struct ws *ws, struct ws_shared *shared, const struct ws_options *options,
    const struct ws_events *events, void *arg)
{
	*ws = (struct ws){ .shared = shared, .events = events, .arg = arg,
		.max_message = options->max_message, .max_queue = options->max_queue,
		.window_bits = (uint8_t)options->window_bits };
	buffer_init(&ws->out, ws->max_queue + WS_HEADER_MAX + WS_SEND_MAX +
	    CLOSE_BYTES);
	buffer_count(&ws->out, shared->tally);
}

void ws_release(struct ws *ws)
{
	ws_reader_free(ws->reader);
	ws->reader = NULL;
	buffer_release(&ws->out);
}

static int write_frame(struct ws *ws, enum ws_opcode opcode, unsigned bits,
    struct slice payload)
{
	return ws_frames_write(ws->shared->writer, &ws->out, opcode, bits, payload);
}

/* Puts the close frame behind all else; nothing follows it. Code 0: it says none. Without
 * memory the peer is not told, and all the same it is over. */
static void send_close(struct ws *ws, int code, struct slice reason)
{
	char payload[WS_CONTROL_MAX] = { (char)(code >> 8), (char)code };
	size_t room = reason.size < WS_REASON_MAX ? reason.size : WS_REASON_MAX;
	size_t size = code == 0 ? 0 : 2 + room;

	if (room > 0) {
		memcpy(payload + 2, reason.data, room);
	}
	ws->close_sent = true;
	ws->pong_waits = false;
	if (write_frame(ws, WS_CLOSE, WS_FIN, (struct slice){ payload, size }) != 0) {
		ws->done = true;
	}
}

/* The peer has closed, or broken a rule: answers with code, if there is anything left to
 * say, and it is over. */
static void end(struct ws *ws, int answer, uint16_t code)
{
	if (!ws->close_sent) {
		send_close(ws, answer, SLICE(""));
	}
	ws->done = true;
	ws->events->closed(ws->arg, code);
}

static void take_close(struct ws *ws, uint16_t code)
{
	if (ws->hold_close && !ws->close_sent) {
		ws->peer_closed = true;
		ws->events->closed(ws->arg, code);
	} else {
		end(ws, code == WS_CODE_NONE ? 0 : code, code);
	}
}

static void send_pong(struct ws *ws)
{
	ws->pong_waits = write_frame(ws, WS_PONG, WS_FIN,
	    (struct slice){ ws->pong_data, ws->pong_size }) != 0;
}

/*
 * Every ping has its pong, as long as the peer reads them; of one who does not only the
 * latest is answered, once out has room again (RFC 6455 section 5.5.3).
 */
static void answer_ping(struct ws *ws, struct slice data)
{
	if (ws->close_sent) {
		return;
	}
	memcpy(ws->pong_data, data.data, data.size);
	ws->pong_size = (uint8_t)data.size;
	ws->pong_waits = true;
	if (ws->out.size < PONG_ROOM) {
		send_pong(ws);
	}
}

/* What the peer has said. False: message wants no more. */
static bool handle(struct ws *ws, const struct ws_event *event)
{
	switch (event->opcode) {
	case WS_PING:
		answer_ping(ws, event->data);
		return true;
	case WS_PONG:
		return true;
	case WS_CLOSE:
		take_close(ws, event->code);
		return true;
	default:
		/* What was on its way when we closed nobody waits for any more. */
		return ws->close_sent || ws->events->message(ws->arg,
		    event->opcode == WS_TEXT, event->data);
	}
}

/* The next event of the peer's, as ws_reader_read. */
static int read_event(struct ws *ws, struct slice *bytes, struct ws_event *event)
{
	const struct ws_bounds bounds = { .max_message = ws->max_message,
		.zlib = ws->window_bits == 0 ? NULL : ws->shared->zlib };

	if (ws->reader == NULL) {
		ws->reader = ws_shared_take(ws->shared);
	}
	if (ws->reader == NULL) {
		event->code = WS_CODE_INTERNAL;
		return ERR_NOMEM;
	}
	return ws_reader_read(ws->reader, &bounds, bytes, event);
}

/* Holds no reader any longer than it must. */
static void settle_reader(struct ws *ws)
{
	if (ws->done) {
		ws_reader_free(ws->reader);
		ws->reader = NULL;
	} else if (ws_reader_between(ws->reader)) {
		ws_shared_give(ws->shared, ws->reader);
		ws->reader = NULL;
	}
}

int ws_input(struct ws *ws, struct slice *bytes)
{
	bool go_on = true;

	while (!ws->done && !ws->peer_closed && go_on && bytes->size > 0) {
		struct ws_event event;
		int rc = read_event(ws, bytes, &event);

		if (rc == 0) {
			go_on = handle(ws, &event);
		} else if (rc != ERR_AGAIN) {
			end(ws, event.code, event.code);
		}
		settle_reader(ws);
	}
	if (ws->done || ws->peer_closed) {
		slice_skip(bytes, bytes->size);
		return ERR_EOF;
	}
	return go_on ? 0 : ERR_AGAIN;
}

/* A whole message, compressed if that was agreed and makes it smaller. */
static bool pack(struct ws *ws, struct slice data, struct slice *packed)
{
	struct buffer *buffer = &ws->shared->packed;

	if (ws->window_bits < WS_WINDOW_DEFLATE_MIN || data.size < PACK_MIN) {
		return false;
	}
	buffer_reset(buffer);
	buffer->max = data.size;
	if (ws_deflate_pack(ws->shared->zlib, ws->window_bits, data, buffer) != 0) {
		return false;
	}
	*packed = buffer_slice(buffer);
	return true;
}

static bool is_over(const struct ws *ws)
{
	return ws->close_sent || ws->done;
}

static bool may_queue(const struct ws *ws)
{
	return ws->out.size < ws->max_queue;
}

/*
 * A data frame. Only whole messages are compressed: of one in fragments nobody knows
 * whether it is worth it, and zlib would be its own until the last.
 */
static int send_data(struct ws *ws, struct slice data, unsigned flags)
{
	enum ws_opcode opcode = (flags & WS_SEND_TEXT) != 0 ? WS_TEXT : WS_BINARY;
	unsigned bits = (flags & WS_SEND_MORE) != 0 ? 0 : WS_FIN;
	int rc;

	if (!ws->sending && bits == WS_FIN && pack(ws, data, &data)) {
		bits |= WS_RSV1;
	}
	rc = write_frame(ws, ws->sending ? WS_CONTINUATION : opcode, bits, data);
	if (ws->shared->packed.capacity > KEPT_BYTES) {
		buffer_release(&ws->shared->packed);
	}
	return rc;
}

int ws_send(struct ws *ws, struct slice data, unsigned flags)
{
	int rc;

	if (is_over(ws)) {
		return ERR_CLOSED;
	}
	if (data.size > WS_SEND_MAX) {
		return ERR_LIMIT;
	}
	if (!may_queue(ws)) {
		return ERR_AGAIN;
	}
	rc = send_data(ws, data, flags);
	if (rc == 0) {
		ws->sending = (flags & WS_SEND_MORE) != 0;
	}
	return rc;
}

int ws_ping(struct ws *ws)
{
	if (is_over(ws)) {
		return ERR_CLOSED;
	}
	return may_queue(ws) ? write_frame(ws, WS_PING, WS_FIN, SLICE("")) : ERR_AGAIN;
}

void ws_close(struct ws *ws, int code, struct slice reason)
{
	if (!is_over(ws)) {
		send_close(ws, code, reason);
		ws->done = ws->done || ws->peer_closed;
	}
}

void ws_sent(struct ws *ws, size_t size)
{
	buffer_consume(&ws->out, size);
	ws->made_room += size;
	/* No longer than what has gone since the last one: or the pongs to a peer that
	 * takes a byte for each ping would fill what is for the handler. */
	if (ws->pong_waits && may_queue(ws) &&
	    ws->made_room >= PONG_HEADER + ws->pong_size) {
		ws->made_room = 0;
		send_pong(ws);
	}
	if (ws->out.size == 0) {
		buffer_release(&ws->out);
	}
}
