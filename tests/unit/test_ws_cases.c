/* SPDX-License-Identifier: MIT */
/* The cases of tests/ws against an endpoint that echoes: nothing may depend on how the
 * input is cut. */
#include "ws/ws.h"

#include "base/utf8.h"
#include "unit.h"
#include "ws/extensions.h"
#include "ws_case.h"

#define QUEUE_BYTES (1 << 20)
#define BYTEWISE_MAX 65536	/* bytes of input that go in one by one */

static struct ws_cases cases;
static struct ws_shared shared;

/* A server that echoes, and what it was told. */
struct echo {
	struct ws ws;
	int told;
	struct buffer output;
};

static bool on_message(void *arg, bool text, struct slice data)
{
	struct echo *echo = arg;

	peer_check(!text || utf8_valid(data), "a text that is not UTF-8");
	peer_check(ws_send(&echo->ws, data, text ? WS_SEND_TEXT : WS_SEND_BINARY) == 0,
	    "ws_send");
	return true;
}

static void on_closed(void *arg, uint16_t code)
{
	struct echo *echo = arg;

	peer_check(echo->told == WS_CASE_OPEN, "closed twice");
	echo->told = code;
}

/* What the handshake makes of the offer. */
static struct ws_extensions negotiate(const struct ws_case *item)
{
	struct ws_extensions agreed;
	struct arena arena;
	struct head head;

	arena_init(&arena, 1 << 16);
	head_init(&head, &arena, 4096, 16);
	if (item->offer != NULL) {
		peer_check(head_add(&head, SLICE("sec-websocket-extensions"),
		    slice_of(item->offer)) == 0, "head_add");
	}
	ck_assert_msg(ws_extensions_negotiate(&head, &agreed) == 0, "%s: offer",
	    item->name);
	arena_release(&arena);
	if (item->agreed != NULL && strcmp(item->agreed, agreed.value) != 0) {
		ck_abort_msg("%s: agreed '%s'", item->name, agreed.value);
	}
	return agreed;
}

static void feed(struct echo *echo, struct slice input, size_t step)
{
	while (input.size > 0) {
		size_t size = step < input.size ? step : input.size;
		/* A copy of just that size, so that a sanitizer sees a byte too far. */
		char *copy = malloc(size);
		struct slice piece = { copy, size };
		int rc;

		peer_check(copy != NULL, "out of memory");
		memcpy(copy, input.data, size);
		rc = ws_input(&echo->ws, &piece);
		free(copy);
		peer_check(piece.size == 0 && rc == (ws_done(&echo->ws) ? ERR_EOF : 0),
		    "ws_input");
		peer_take(&echo->ws, &echo->output);
		slice_skip(&input, size);
	}
}

static void judge(const struct ws_case *item, struct echo *echo, int window_bits,
    size_t step)
{
	struct peer_reader reader;
	struct slice output = buffer_slice(&echo->output);
	struct buffer found;

	buffer_init(&found, PEER_MAX);
	peer_reader_init(&reader, window_bits);
	peer_read(&reader, &output, &found);
	if (output.size > 0 || reader.opcode != 0) {
		ck_abort_msg("%s: half a frame, pieces of %zu", item->name, step);
	}
	if (!slice_equal(buffer_slice(&found), buffer_slice(&item->expected))) {
		ck_abort_msg("%s: in pieces of %zu, got\n%.*s", item->name, step,
		    found.size > 1000 ? 1000 : (int)found.size, found.data);
	}
	if (echo->told != item->told ||
	    ws_done(&echo->ws) != (item->told != WS_CASE_OPEN)) {
		ck_abort_msg("%s: in pieces of %zu, told %d", item->name, step,
		    echo->told);
	}
	buffer_release(&found);
}

static void run(const struct ws_case *item, size_t step)
{
	static const struct ws_events events = { .message = on_message,
		.closed = on_closed };
	struct ws_extensions agreed = negotiate(item);
	const struct ws_options options = { .max_message = item->max_message,
		.max_queue = QUEUE_BYTES, .window_bits = agreed.window_bits };
	struct echo echo = { .told = WS_CASE_OPEN };

	ws_init(&echo.ws, &shared, &options, &events, &echo);
	buffer_init(&echo.output, PEER_MAX);
	feed(&echo, buffer_slice(&item->input), step);
	judge(item, &echo, agreed.window_bits, step);
	ws_release(&echo.ws);
	buffer_release(&echo.output);
}

static void run_all(size_t step, size_t max_input)
{
	for (int i = 0; i < cases.count; i++) {
		if (cases.items[i].input.size <= max_input) {
			run(&cases.items[i], step);
		}
	}
}

START_TEST(takes_input_whole)
{
	run_all(SIZE_MAX, SIZE_MAX);
}
END_TEST

START_TEST(takes_input_byte_by_byte)
{
	run_all(1, BYTEWISE_MAX);
}
END_TEST

START_TEST(takes_input_in_odd_pieces)
{
	static const size_t steps[] = { 2, 3, 5, 7, 13, 127, 997, 4099 };

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		run_all(steps[i], steps[i] * BYTEWISE_MAX);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ws_cases");
	TCase *tcase = tcase_create("ws_cases");
	int failed;

	ws_cases_read(&cases);
	peer_check(ws_shared_init(&shared, NULL) == 0, "out of memory");
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, takes_input_whole);
	tcase_add_test(tcase, takes_input_byte_by_byte);
	tcase_add_test(tcase, takes_input_in_odd_pieces);
	suite_add_tcase(suite, tcase);
	failed = unit_run(suite);
	ws_shared_release(&shared);
	ws_cases_release(&cases);
	return failed;
}
