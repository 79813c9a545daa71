/* SPDX-License-Identifier: MIT */
/* A WebSocket's endpoint: what it holds, what it answers and sends, how it ends. The
 * rules for what comes in are in test_ws_cases.c. */
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

static const struct ws_events events = { .message = on_message, .closed = on_closed };

static void start(int window_bits)
{
	const struct ws_options options = { .max_message = 1 << 20, .max_queue = QUEUE,
		.window_bits = window_bits };

	ws_release(&ws);
	ws_init(&ws, &shared, &options, &events, &ws);
	peer_reader_init(&reader, window_bits);
}

static void setup(void)
{
	ck_assert_int_eq(ws_shared_init(&shared, NULL), 0);
	buffer_init(&input, PEER_MAX);
	buffer_init(&transcript, PEER_MAX);
	told = NOT_TOLD;
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
	peer_frame(&input, WS_FIN, WS_TEXT, SLICE("hello"));
	ck_assert_int_eq(feed(), 0);
	ck_assert_int_eq(send_text("hello", WS_SEND_TEXT), 0);
	ck_assert_str_eq(seen(), "got text hello\ntext hello\n");
	ck_assert_ptr_null(ws.reader);
	ck_assert_ptr_null(ws.out.data);
	ck_assert_uint_le(sizeof(ws), 256);
}
END_TEST

START_TEST(holds_a_reader_while_in_a_message)
{
	struct ws_reader *lent;

	peer_frame(&input, 0, WS_TEXT, SLICE("hello "));
	ck_assert_int_eq(feed(), 0);
	ck_assert_ptr_nonnull(ws.reader);
	lent = ws.reader;
	peer_frame(&input, WS_FIN, WS_CONTINUATION, SLICE("world"));
	ck_assert_int_eq(feed(), 0);
	ck_assert_ptr_null(ws.reader);
	ck_assert_ptr_eq(shared.spare, lent);
	ck_assert_str_eq(seen(), "got text hello world\n");
}
END_TEST

START_TEST(holds_a_reader_while_in_a_frame)
{
	peer_frame(&input, WS_FIN, WS_TEXT, SLICE("hello"));
	input.size = 1;
	ck_assert_int_eq(feed(), 0);
	ck_assert_ptr_nonnull(ws.reader);
}
END_TEST

/* One is cut within a message, the other has one whole in between. */
START_TEST(lends_readers_to_many_at_once)
{
	static const struct ws_options options = { .max_message = 1000, .max_queue = 1 };
	struct ws other;
	struct slice bytes;

	ws_init(&other, &shared, &options, &events, &ws);
	peer_frame(&input, 0, WS_TEXT, SLICE("a"));
	ck_assert_int_eq(feed(), 0);
	peer_frame(&input, WS_FIN, WS_TEXT, SLICE("b"));
	bytes = buffer_slice(&input);
	ck_assert_int_eq(ws_input(&other, &bytes), 0);
	buffer_reset(&input);
	peer_frame(&input, WS_FIN, WS_CONTINUATION, SLICE("c"));
	ck_assert_int_eq(feed(), 0);
	ck_assert_str_eq(seen(), "got text b\ngot text ac\n");
	ck_assert_ptr_null(other.reader);
	ws_release(&other);
}
END_TEST

START_TEST(delivers_no_more_than_is_wanted)
{
	for (int i = 0; i < 3; i++) {
		peer_frame(&input, WS_FIN, WS_BINARY, SLICE("x"));
	}
	peer_frame(&input, WS_FIN, WS_PING, SLICE("y"));
	room = 1;
	ck_assert_int_eq(feed(), ERR_AGAIN);
	ck_assert_str_eq(seen(), "got binary x\n");
	ck_assert_uint_eq(input.size, 7 + 7 + 7);
	ck_assert_ptr_null(ws.reader);
	room = 2;
	ck_assert_int_eq(feed(), ERR_AGAIN);
	ck_assert_uint_eq(input.size, 7);
	ck_assert_int_eq(feed(), 0);
	ck_assert_str_eq(seen(), "got binary x\ngot binary x\ngot binary x\npong y\n");
}
END_TEST

START_TEST(gives_back_what_a_long_message_took)
{
	static char payload[1 << 20];

	srandom(1);
	for (size_t i = 0; i < sizeof(payload); i++) {
		payload[i] = (char)('@' + random() % 32);
	}
	start(15);
	ck_assert_int_eq(ws_send(&ws, (struct slice){ payload, sizeof(payload) },
	    WS_SEND_BINARY), 0);
	ck_assert_uint_le(shared.packed.capacity, 65536);
	flush();
	ck_assert_ptr_null(ws.out.data);
}
END_TEST

START_TEST(sends_messages_and_fragments)
{
	ck_assert_int_eq(send_text("a", WS_SEND_TEXT), 0);
	ck_assert_int_eq(send_text("b", WS_SEND_BINARY | WS_SEND_MORE), 0);
	ck_assert_int_eq(send_text("", WS_SEND_BINARY | WS_SEND_MORE), 0);
	ck_assert_int_eq(send_text("c", WS_SEND_BINARY), 0);
	ck_assert_int_eq(send_text("", WS_SEND_TEXT), 0);
	ck_assert_str_eq(seen(), "text a\nbinary bc\ntext \n");
	ck_assert_uint_eq(reader.frames, 5);
}
END_TEST

START_TEST(answers_a_ping_within_its_own_message)
{
	ck_assert_int_eq(send_text("a", WS_SEND_TEXT | WS_SEND_MORE), 0);
	peer_frame(&input, WS_FIN, WS_PING, SLICE("p"));
	ck_assert_int_eq(feed(), 0);
	ck_assert_int_eq(send_text("b", WS_SEND_TEXT), 0);
	ck_assert_str_eq(seen(), "pong p\ntext ab\n");
}
END_TEST

/* Text of that size, which can be compressed. */
static struct slice long_text(size_t size)
{
	static char text[70000];

	ck_assert_uint_le(size, sizeof(text));
	memset(text, 'a', sizeof(text));
	return (struct slice){ text, size };
}

START_TEST(compresses_long_messages_where_it_was_agreed)
{
	struct buffer expected;

	buffer_init(&expected, PEER_MAX);
	peer_say(&expected, "text", long_text(1024));
	peer_append(&expected, "", 1);
	start(15);
	ck_assert_int_eq(ws_send(&ws, long_text(1024), WS_SEND_TEXT), 0);
	ck_assert_uint_lt(ws_out(&ws).size, 100);
	ck_assert_str_eq(seen(), expected.data);
	ck_assert_uint_eq(reader.packed_frames, 1);
	buffer_release(&expected);
}
END_TEST

START_TEST(compresses_nothing_else)
{
	static char noise[2000];

	ck_assert_int_eq(ws_send(&ws, long_text(2000), WS_SEND_TEXT), 0);
	flush();
	start(8);
	ck_assert_int_eq(ws_send(&ws, long_text(2000), WS_SEND_TEXT), 0);
	flush();
	start(15);
	ck_assert_int_eq(ws_send(&ws, long_text(1023), WS_SEND_TEXT), 0);
	ck_assert_int_eq(ws_send(&ws, long_text(2000), WS_SEND_TEXT | WS_SEND_MORE), 0);
	ck_assert_int_eq(ws_send(&ws, long_text(2000), WS_SEND_TEXT), 0);
	srandom(1);
	for (size_t i = 0; i < sizeof(noise); i++) {
		noise[i] = (char)(random() >> 8);
	}
	ck_assert_int_eq(ws_send(&ws, (struct slice){ noise, sizeof(noise) },
	    WS_SEND_BINARY), 0);
	flush();
	ck_assert_uint_eq(reader.packed_frames, 0);
}
END_TEST

START_TEST(takes_no_more_while_too_much_waits)
{
	ck_assert_int_eq(ws_send(&ws, long_text(QUEUE - 10), WS_SEND_BINARY), 0);
	ck_assert_int_eq(ws_send(&ws, long_text(70000), WS_SEND_BINARY), 0);
	ck_assert_int_eq(ws_send(&ws, long_text(0), WS_SEND_BINARY), ERR_AGAIN);
	ck_assert_int_eq(ws_ping(&ws), ERR_AGAIN);
	flush();
	ck_assert_int_eq(ws_send(&ws, long_text(0), WS_SEND_BINARY), 0);
	ck_assert_int_eq(ws_ping(&ws), 0);
}
END_TEST

START_TEST(refuses_to_send_what_is_far_too_long)
{
	char *data = calloc(1, WS_SEND_MAX + 1);

	ck_assert_ptr_nonnull(data);
	ck_assert_int_eq(ws_send(&ws, (struct slice){ data, WS_SEND_MAX + 1 },
	    WS_SEND_BINARY), ERR_LIMIT);
	ck_assert_uint_eq(ws_out(&ws).size, 0);
	/* Even behind all that may wait there is room, and for a close frame too. */
	ck_assert_int_eq(ws_send(&ws, long_text(QUEUE - 5), WS_SEND_BINARY), 0);
	ck_assert_uint_eq(ws_out(&ws).size, QUEUE - 1);
	ck_assert_int_eq(ws_send(&ws, (struct slice){ data, WS_SEND_MAX },
	    WS_SEND_BINARY), 0);
	ws_close(&ws, 1000, long_text(WS_REASON_MAX));
	ck_assert(!ws_done(&ws));
	flush();
	ck_assert_uint_eq(reader.frames, 3);
	free(data);
}
END_TEST

START_TEST(bounds_the_answers_to_a_flood_of_pings)
{
	char number[16];
	size_t most = 0;

	for (int i = 0; i < 10000; i++) {
		snprintf(number, sizeof(number), "%d", i);
		peer_frame(&input, WS_FIN, WS_PING, slice_of(number));
		ck_assert_int_eq(feed(), 0);
		most = ws_out(&ws).size > most ? ws_out(&ws).size : most;
	}
	ck_assert_uint_lt(most, 4096 + 127);
	flush();
	/* What came last is answered once the peer has read the others. */
	ck_assert_ptr_nonnull(strstr(seen(), "pong 9999\n"));
	ck_assert_ptr_null(strstr(transcript.data, "pong 9998\n"));
}
END_TEST

START_TEST(answers_a_ping_behind_a_full_queue_once_there_is_room)
{
	ck_assert_int_eq(ws_send(&ws, long_text(QUEUE), WS_SEND_BINARY), 0);
	peer_frame(&input, WS_FIN, WS_PING, SLICE("p"));
	ck_assert_int_eq(feed(), 0);
	ck_assert_uint_eq(ws_out(&ws).size, QUEUE + 4);
	ws_sent(&ws, 4);
	ck_assert_uint_eq(ws_out(&ws).size, QUEUE);
	ws_sent(&ws, 1);
	ck_assert_uint_eq(ws_out(&ws).size, QUEUE - 1 + 3);
	ws_sent(&ws, QUEUE - 1);
	ck_assert_str_eq(seen(), "pong p\n");
}
END_TEST

/* One who takes a byte for each ping, as windows of HTTP/2 allow: pongs would fill what
 * is for the handler. */
START_TEST(pongs_add_nothing_to_a_queue_that_hardly_moves)
{
	struct slice ping = long_text(WS_CONTROL_MAX);

	ck_assert_int_eq(ws_send(&ws, long_text(QUEUE - 1000), WS_SEND_BINARY), 0);
	for (int i = 0; i < 1000; i++) {
		peer_frame(&input, WS_FIN, WS_PING, ping);
		ck_assert_int_eq(feed(), 0);
		ws_sent(&ws, 1);
		ck_assert_uint_lt(ws_out(&ws).size, QUEUE - 1000 + 2 * WS_CONTROL_MAX);
	}
}
END_TEST

START_TEST(pings)
{
	ck_assert_int_eq(ws_ping(&ws), 0);
	ck_assert_str_eq(seen(), "ping \n");
	peer_frame(&input, WS_FIN, WS_PONG, SLICE(""));
	ck_assert_int_eq(feed(), 0);
	ck_assert_uint_eq(ws_out(&ws).size, 0);
}
END_TEST

START_TEST(echoes_a_close_frame_and_is_done)
{
	ck_assert_int_eq(send_text("bye", WS_SEND_TEXT), 0);
	peer_close(&input, 1001, "bye");
	peer_frame(&input, WS_FIN, WS_TEXT, SLICE("too late"));
	ck_assert_int_eq(feed(), ERR_EOF);
	ck_assert(ws_done(&ws));
	ck_assert_int_eq(told, 1001);
	ck_assert_str_eq(seen(), "text bye\nclose 1001 \n");
	ck_assert_uint_eq(input.size, 0);
	ck_assert_int_eq(send_text("more", WS_SEND_TEXT), ERR_CLOSED);
	ck_assert_int_eq(ws_ping(&ws), ERR_CLOSED);
	ws_close(&ws, 1000, SLICE(""));
	ck_assert_uint_eq(ws_out(&ws).size, 0);
}
END_TEST

START_TEST(drops_what_comes_after_the_end)
{
	peer_close(&input, 1000, "");
	ck_assert_int_eq(feed(), ERR_EOF);
	peer_append(&input, "\xff\xff\xff", 3);
	ck_assert_int_eq(feed(), ERR_EOF);
	ck_assert_uint_eq(input.size, 0);
	ck_assert_int_eq(told, 1000);
}
END_TEST

START_TEST(closes_and_waits_for_the_peer_to_close)
{
	ck_assert_int_eq(send_text("last", WS_SEND_TEXT), 0);
	ws_close(&ws, 4001, SLICE("enough"));
	ws_close(&ws, 1000, SLICE("again"));
	ck_assert(!ws_done(&ws));
	ck_assert_int_eq(send_text("more", WS_SEND_TEXT), ERR_CLOSED);
	ck_assert_int_eq(ws_ping(&ws), ERR_CLOSED);
	peer_frame(&input, WS_FIN, WS_TEXT, SLICE("crossing"));
	peer_frame(&input, WS_FIN, WS_PING, SLICE("crossing"));
	ck_assert_int_eq(feed(), 0);
	ck_assert(!ws_done(&ws));
	peer_close(&input, 4001, "");
	ck_assert_int_eq(feed(), ERR_EOF);
	ck_assert(ws_done(&ws));
	ck_assert_int_eq(told, 4001);
	ck_assert_str_eq(seen(), "text last\nclose 4001 enough\n");
}
END_TEST

START_TEST(cuts_a_reason_that_is_too_long)
{
	struct buffer expected;

	buffer_init(&expected, PEER_MAX);
	peer_say(&expected, "close 1000", long_text(WS_REASON_MAX));
	peer_append(&expected, "", 1);
	ws_close(&ws, 1000, long_text(200));
	ck_assert_str_eq(seen(), expected.data);
	buffer_release(&expected);
}
END_TEST

START_TEST(answers_a_close_frame_when_it_is_told_to)
{
	ws_hold_close(&ws);
	peer_close(&input, 1001, "bye");
	peer_frame(&input, WS_FIN, WS_TEXT, SLICE("too late"));
	ck_assert_int_eq(feed(), ERR_EOF);
	ck_assert_uint_eq(input.size, 0);
	ck_assert_int_eq(told, 1001);
	ck_assert(!ws_done(&ws));
	ck_assert_int_eq(send_text("still", WS_SEND_TEXT), 0);
	ws_close(&ws, 1001, SLICE(""));
	ck_assert(ws_done(&ws));
	ck_assert_str_eq(seen(), "text still\nclose 1001 \n");
}
END_TEST

START_TEST(closes_without_a_code)
{
	ws_close(&ws, 0, (struct slice){ NULL, 0 });
	ck_assert_str_eq(seen(), "close \n");
}
END_TEST

START_TEST(says_one_close_frame_even_if_the_peer_fails_then)
{
	ws_close(&ws, 1000, SLICE(""));
	peer_frame(&input, WS_FIN | WS_RSV1, WS_TEXT, SLICE("x"));
	ck_assert_int_eq(feed(), ERR_EOF);
	ck_assert(ws_done(&ws));
	ck_assert_int_eq(told, WS_CODE_PROTOCOL);
	ck_assert_str_eq(seen(), "close 1000 \n");
}
END_TEST

START_TEST(is_done_at_once_where_no_memory_is_left_for_a_close_frame)
{
	ws.out.max = 0;
	ws_close(&ws, 1000, SLICE(""));
	ck_assert(ws_done(&ws));
	peer_frame(&input, WS_FIN, WS_TEXT, SLICE("too late"));
	ck_assert_int_eq(feed(), ERR_EOF);
	ck_assert_int_eq(told, NOT_TOLD);
}
END_TEST

START_TEST(answers_no_ping_that_waits_once_it_has_closed)
{
	ck_assert_int_eq(ws_send(&ws, long_text(QUEUE), WS_SEND_BINARY), 0);
	peer_frame(&input, WS_FIN, WS_PING, SLICE("p"));
	ck_assert_int_eq(feed(), 0);
	ws_close(&ws, 1000, SLICE(""));
	ws_sent(&ws, QUEUE + 4);
	ck_assert_str_eq(seen(), "close 1000 \n");
}
END_TEST

static bool close_in_message(void *arg, bool text, struct slice data)
{
	on_message(arg, text, data);
	ws_close(&ws, 1000, SLICE(""));
	return true;
}

START_TEST(delivers_nothing_after_a_close_from_within_message)
{
	static const struct ws_events closing = { .message = close_in_message,
		.closed = on_closed };

	ws.events = &closing;
	peer_frame(&input, WS_FIN, WS_TEXT, SLICE("a"));
	peer_frame(&input, WS_FIN, WS_TEXT, SLICE("b"));
	ck_assert_int_eq(feed(), 0);
	ck_assert_str_eq(seen(), "got text a\nclose 1000 \n");
}
END_TEST

/* Its memory is another's than that of what is delivered. */
static bool send_in_message(void *arg, bool text, struct slice data)
{
	ck_assert_int_eq(ws_send(&ws, data, WS_SEND_TEXT), 0);
	ck_assert_int_eq(ws_send(&ws, long_text(2000), WS_SEND_TEXT), 0);
	return on_message(arg, text, data);
}

START_TEST(keeps_a_message_while_others_are_compressed)
{
	static const struct ws_events sending = { .message = send_in_message,
		.closed = on_closed };
	struct buffer text;
	struct buffer expected;

	start(15);
	ws.events = &sending;
	buffer_init(&text, PEER_MAX);
	buffer_init(&expected, PEER_MAX);
	for (int i = 0; i < 500; i++) {
		ck_assert_int_eq(buffer_printf(&text, "%d ", i), 0);
	}
	peer_deflate(&expected, buffer_slice(&text), 15);
	peer_frame(&input, WS_FIN | WS_RSV1, WS_TEXT, buffer_slice(&expected));
	buffer_reset(&expected);
	peer_say(&expected, "got text", buffer_slice(&text));
	peer_say(&expected, "text", buffer_slice(&text));
	peer_say(&expected, "text", long_text(2000));
	peer_append(&expected, "", 1);
	ck_assert_int_eq(feed(), 0);
	ck_assert_str_eq(seen(), expected.data);
	buffer_release(&text);
	buffer_release(&expected);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ws");
	TCase *reading = tcase_create("reading");
	TCase *sending = tcase_create("sending");
	TCase *ending = tcase_create("ending");

	tcase_add_checked_fixture(reading, setup, teardown);
	tcase_add_test(reading, holds_nothing_while_idle);
	tcase_add_test(reading, holds_a_reader_while_in_a_message);
	tcase_add_test(reading, holds_a_reader_while_in_a_frame);
	tcase_add_test(reading, lends_readers_to_many_at_once);
	tcase_add_test(reading, delivers_no_more_than_is_wanted);
	tcase_add_test(reading, gives_back_what_a_long_message_took);
	suite_add_tcase(suite, reading);
	tcase_add_checked_fixture(sending, setup, teardown);
	tcase_add_test(sending, sends_messages_and_fragments);
	tcase_add_test(sending, answers_a_ping_within_its_own_message);
	tcase_add_test(sending, compresses_long_messages_where_it_was_agreed);
	tcase_add_test(sending, compresses_nothing_else);
	tcase_add_test(sending, takes_no_more_while_too_much_waits);
	tcase_add_test(sending, refuses_to_send_what_is_far_too_long);
	tcase_add_test(sending, bounds_the_answers_to_a_flood_of_pings);
	tcase_add_test(sending, answers_a_ping_behind_a_full_queue_once_there_is_room);
	tcase_add_test(sending, pongs_add_nothing_to_a_queue_that_hardly_moves);
	tcase_add_test(sending, pings);
	suite_add_tcase(suite, sending);
	tcase_add_checked_fixture(ending, setup, teardown);
	tcase_add_test(ending, echoes_a_close_frame_and_is_done);
	tcase_add_test(ending, drops_what_comes_after_the_end);
	tcase_add_test(ending, closes_and_waits_for_the_peer_to_close);
	tcase_add_test(ending, cuts_a_reason_that_is_too_long);
	tcase_add_test(ending, answers_a_close_frame_when_it_is_told_to);
	tcase_add_test(ending, closes_without_a_code);
	tcase_add_test(ending, says_one_close_frame_even_if_the_peer_fails_then);
	tcase_add_test(ending,
	    is_done_at_once_where_no_memory_is_left_for_a_close_frame);
	tcase_add_test(ending, answers_no_ping_that_waits_once_it_has_closed);
	tcase_add_test(ending, delivers_nothing_after_a_close_from_within_message);
	tcase_add_test(ending, keeps_a_message_while_others_are_compressed);
	suite_add_tcase(suite, ending);
	return unit_run(suite);
}
