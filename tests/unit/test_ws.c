/* SPDX-License-Identifier: MIT */
/* A WebSocket's endpoint: what it answers, what it refuses to send, how it ends. The
 * rules for what comes in are in test_ws_autobahn.c, as data. */
#include "ws/ws.h"

#include "unit.h"
#include "ws_peer.h"

#define QUEUE 8192
#define NOT_TOLD (-1)

static struct ws_shared shared;
static struct ws ws;
static struct buffer input;
static struct buffer transcript;
static struct peer_reader reader;
static int told;
static int pongs;
static int room;		/* messages until the receiver wants no more */

static bool on_message(void *arg, bool text, struct slice data)
{
	ck_assert_ptr_eq(arg, &ws);
	peer_say(&transcript, text ? "got text" : "got binary", data);
	return --room > 0;
}

static void on_closed(void *arg, uint16_t code)
{
	ck_assert_ptr_eq(arg, &ws);
	ck_assert_int_eq(told, NOT_TOLD);
	told = code;
}

static void on_pong(void *arg)
{
	ck_assert_ptr_eq(arg, &ws);
	pongs++;
}

static const struct ws_events events = { .message = on_message, .closed = on_closed,
	.pong = on_pong };

static void start(int window_bits)
{
	const struct ws_options options = { .max_message = 1 << 20, .max_queue = QUEUE,
		.window_bits = window_bits };

	ws_init(&ws, &shared, &options, &events, &ws);
	peer_reader_init(&reader, window_bits);
}

static void setup(void)
{
	ck_assert_int_eq(ws_shared_init(&shared), 0);
	buffer_init(&input, PEER_MAX);
	buffer_init(&transcript, PEER_MAX);
	told = NOT_TOLD;
	pongs = 0;
	room = 1000;
	start(0);
}

static void teardown(void)
{
	ws_release(&ws);
	ws_shared_release(&shared);
	buffer_release(&input);
	buffer_release(&transcript);
	buffer_release(&reader.message);
}

/* Gives ws what waits in input, which keeps what ws leaves. */
static int feed(void)
{
	struct slice bytes = buffer_slice(&input);
	int rc = ws_input(&ws, &bytes);

	buffer_consume(&input, input.size - bytes.size);
	return rc;
}

/* The peer reads all that was written. */
static void flush(void)
{
	struct slice out = ws_out(&ws);
	size_t size = out.size;

	peer_read(&reader, &out, &transcript);
	ck_assert_uint_eq(out.size, 0);
	ws_sent(&ws, size);
}

/* All that both sides have read so far, after a flush. */
static const char *seen(void)
{
	flush();
	peer_append(&transcript, "", 1);
	transcript.size--;
	return transcript.data;
}

static int send_text(const char *text, unsigned flags)
{
	return ws_send(&ws, slice_of(text), flags);
}

START_TEST(holds_nothing_while_idle)
{
	struct ws_reader *lent;

	peer_frame(&input, WS_FIN, WS_TEXT, SLICE("hello"));
	ck_assert_int_eq(feed(), 0);
	ck_assert_int_eq(send_text("hello", WS_SEND_TEXT), 0);
	flush();
	ck_assert_ptr_null(ws.reader);
	ck_assert_ptr_null(ws.out.data);
	lent = ws_shared_take(&shared);
	ck_assert_ptr_nonnull(lent);
	ws_reader_free(lent);
	ck_assert_uint_lt(sizeof(ws), 320);
}
END_TEST

START_TEST(echoes_a_close_frame_and_is_done)
{
	peer_close(&input, 1001, "bye");
	peer_frame(&input, WS_FIN, WS_TEXT, SLICE("too late"));
	ck_assert_int_eq(feed(), ERR_EOF);
	ck_assert(ws_done(&ws));
	ck_assert_int_eq(told, 1001);
	ck_assert_str_eq(seen(), "close 1001 \n");
	ck_assert_uint_eq(input.size, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ws");
	TCase *tcase = tcase_create("ws");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, holds_nothing_while_idle);
	tcase_add_test(tcase, echoes_a_close_frame_and_is_done);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
