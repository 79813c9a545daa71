/* SPDX-License-Identifier: MIT */
/* A WebSocket (RFC 6455), whatever carries it. */
#include "worker/line.h"

static void release(struct line *line)
{
	ws_release(&line->ws);
}

/* False: no more until the handler has caught up. */
static bool message(void *arg, bool text, struct slice data)
{
	struct line *line = arg;

	line_give(line, data, text ? DUPLEX_TEXT : DUPLEX_BINARY);
	return line_wants_input(line);
}

static int answer(int code)
{
	return code == WS_CODE_NONE ? 0 : code;
}

/* It is over, or a handler that is far away still has what came before to answer. */
static void closed(void *arg, uint16_t code)
{
	struct line *line = arg;
	struct duplex *duplex = &line->duplex;

	line->code = code;
	if (ws_done(&line->ws)) {
		line->closing = true;
	} else if (duplex->handler_ops != NULL && duplex->handler_ops->closed != NULL) {
		line->peer_closed = true;
		duplex->handler_ops->closed(duplex, code);
	} else {
		line->closing = true;
		ws_close(&line->ws, answer(code), SLICE(""));
	}
	line_touch(line);
	line->ops->wake(line);
}

static const struct ws_events events = { message, closed };

void line_begin_websocket(struct line *line, int window_bits, size_t max_message)
{
	const struct ws_options options = { .max_message = max_message,
		.max_queue = DUPLEX_QUEUE_BYTES, .window_bits = window_bits };

	line->code = DUPLEX_CODE_LOST;
	ws_init(&line->ws, &line->worker->websockets, &options, &events, line);
	ws_hold_close(&line->ws);
}

static int send(struct line *line, struct slice data, unsigned flags)
{
	return ws_send(&line->ws, data, flags);
}

static int close_websocket(struct line *line, uint16_t code, struct slice reason)
{
	ws_close(&line->ws, answer(code), reason);
	return 0;
}

static void input(struct line *line, struct slice *bytes)
{
	line->pinged = false;
	/* Nobody keeps it open by what is said behind a close. */
	if (!line->closing && !line->peer_closed) {
		line_touch(line);
	}
	/* How it ended shows in ws_done; what follows is dropped. */
	if (ws_input(&line->ws, bytes) != ERR_AGAIN) {
		slice_skip(bytes, bytes->size);
	}
}

/* Without a close frame before it. */
static void end_input(struct line *line)
{
	if (!ws_done(&line->ws) && !line->peer_closed) {
		line_finish(line, DUPLEX_CODE_LOST);
	}
}

static struct slice output(const struct line *line)
{
	return ws_out(&line->ws);
}

static void taken(struct line *line, size_t size)
{
	ws_sent(&line->ws, size);
}

static bool ended(const struct line *line, uint16_t *code)
{
	*code = line->code;
	return ws_done(&line->ws) && ws_out(&line->ws).size == 0;
}

static uint32_t silence_ms(const struct line *line)
{
	return line->worker->config->timeouts.ping_ms;
}

/* Whoever is held up by the handler cannot be heard, and who has not taken yet what was
 * said before a ping cannot answer it: how long that may last is the carrier's matter. */
static void silent(struct line *line)
{
	if (line->paused || ws_out(&line->ws).size > 0) {
		line_touch(line);
		return;
	}
	if (line->pinged || ws_ping(&line->ws) != 0) {
		line->cut = true;
		line_finish(line, DUPLEX_CODE_LOST);
		return;
	}
	line->pinged = true;
	line_touch(line);
	line->ops->wake(line);
}

static void drain(struct line *line)
{
	(void)!line->duplex.peer_ops->close(&line->duplex, WS_CODE_GOING_AWAY, SLICE(""));
}

const struct line_protocol line_websocket = { .kind = DUPLEX_WEBSOCKET,
	.release = release,
	.send = send,
	.close = close_websocket,
	.input = input,
	.end_input = end_input,
	.output = output,
	.taken = taken,
	.ended = ended,
	.silence_ms = silence_ms,
	.silent = silent,
	.drain = drain };
