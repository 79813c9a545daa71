/* SPDX-License-Identifier: MIT */
/*
 * A WebSocket with permessage-deflate: what it says must not depend on how its input is
 * cut, messages keep to their bound, text is UTF-8, and it ends once. The bound is small,
 * so that short inputs reach it.
 */
#include <stdint.h>

#include "../unit/ws_peer.h"
#include "base/utf8.h"

#define MAX_MESSAGE 300
#define MAX_QUEUE 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct echo {
	struct ws ws;
	struct buffer output;	/* all that was written */
	int told;		/* the code, once closed; 0 before */
};

static bool on_message(void *arg, bool text, struct slice data)
{
	struct echo *echo = arg;

	peer_check(data.size <= MAX_MESSAGE, "a message past its bound");
	peer_check(!text || utf8_valid(data), "a text that is not UTF-8");
	peer_check(echo->told == 0, "a message after the end");
	peer_check(ws_send(&echo->ws, data, text ? WS_SEND_TEXT : WS_SEND_BINARY) == 0,
	    "ws_send");
	return data.size % 2 == 0;
}

static void on_closed(void *arg, uint16_t code)
{
	struct echo *echo = arg;

	peer_check(echo->told == 0, "closed twice");
	peer_check(code == WS_CODE_NONE || ws_code_may_be_sent(code), "not a code");
	echo->told = code;
}

/* All of the input, in pieces of step bytes. */
static void feed(struct echo *echo, struct slice input, size_t step)
{
	while (input.size > 0) {
		struct slice piece = { input.data,
			step < input.size ? step : input.size };
		int rc;

		slice_skip(&input, piece.size);
		while ((rc = ws_input(&echo->ws, &piece)) == ERR_AGAIN) {
			peer_take(&echo->ws, &echo->output);
		}
		peer_take(&echo->ws, &echo->output);
		peer_check(piece.size == 0, "input is left");
		peer_check(rc == (ws_done(&echo->ws) ? ERR_EOF : 0), "its result");
		peer_check(ws_done(&echo->ws) == (echo->told != 0), "done and told");
	}
}

static struct echo run(struct ws_shared *shared, struct slice input, size_t step)
{
	static const struct ws_events events = { .message = on_message,
		.closed = on_closed };
	static const struct ws_options options = { .max_message = MAX_MESSAGE,
		.max_queue = MAX_QUEUE, .window_bits = WS_WINDOW_MAX };
	struct echo echo = { .told = 0 };

	buffer_init(&echo.output, PEER_MAX);
	ws_init(&echo.ws, shared, &options, &events, &echo);
	feed(&echo, input, step);
	ws_release(&echo.ws);
	return echo;
}

/* What was written must be whole frames of a server's. */
static void check_output(const struct echo *echo)
{
	struct slice output = buffer_slice(&echo->output);
	struct peer_reader reader;
	struct buffer transcript;

	buffer_init(&transcript, PEER_MAX);
	peer_reader_init(&reader, WS_WINDOW_MAX);
	peer_read(&reader, &output, &transcript);
	peer_check(output.size == 0 && reader.opcode == 0, "half a frame");
	buffer_release(&transcript);
}

/* The first byte says where to cut, the rest is the input. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ws_shared shared;
	struct slice input;
	struct echo whole;
	struct echo cut;

	if (size == 0) {
		return 0;
	}
	input = (struct slice){ (const char *)data + 1, size - 1 };
	peer_check(ws_shared_init(&shared, NULL) == 0, "out of memory");
	whole = run(&shared, input, SIZE_MAX);
	cut = run(&shared, input, data[0] % 16 + 1);
	peer_check(whole.told == cut.told, "it ends otherwise when cut");
	peer_check(slice_equal(buffer_slice(&whole.output), buffer_slice(&cut.output)),
	    "it says something else when cut");
	check_output(&whole);
	buffer_release(&whole.output);
	buffer_release(&cut.output);
	ws_shared_release(&shared);
	return 0;
}
