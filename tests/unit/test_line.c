/* SPDX-License-Identifier: MIT */
/* Lines: what goes through, what holds it up, and how it ends, without a socket. */
#include "worker/line.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "site/site_mount.h"
#include "unit.h"

#define IDLE_MS 1000
#define PING_MS 400
#define BIG (300 * 1024)

static struct worker worker;
static struct config config;
static struct site_mount mount;
static struct line *line;
static char heard[4096];	/* what the handler was called with */
static int woken;

static void note(const char *format, ...) PRINTF(1, 2);

static void note(const char *format, ...)
{
	size_t used = strlen(heard);
	va_list ap;

	va_start(ap, format);
	vsnprintf(heard + used, sizeof(heard) - used, format, ap);
	va_end(ap);
}

static void on_data(struct duplex *duplex, struct slice data, unsigned flags)
{
	ck_assert_ptr_eq(duplex, line);
	note("%u:%.*s ", flags, (int)data.size, data.data);
}

static void on_drain(struct duplex *duplex)
{
	ck_assert_ptr_eq(duplex, line);
	note("drain ");
}

static void on_end(struct duplex *duplex, uint16_t code)
{
	ck_assert_ptr_eq(duplex, line);
	note("end(%u) ", code);
}

static const struct duplex_handler_ops handler_ops = { .data = on_data, .drain = on_drain,
	.end = on_end };

static void on_closed(struct duplex *duplex, uint16_t code)
{
	ck_assert_ptr_eq(duplex, line);
	note("closed(%u) ", code);
}

/* Of a handler that is far away. */
static const struct duplex_handler_ops far_ops = { .data = on_data, .drain = on_drain,
	.end = on_end, .closed = on_closed };

static void wake(struct line *woken_line)
{
	ck_assert_ptr_eq(woken_line, line);
	woken++;
}

static void opened(struct line *opened_line, int status)
{
	ck_assert_ptr_eq(opened_line, line);
	note("opened(%d) ", status);
}

static const char *info(struct line *asked, const char *key)
{
	return strcmp(key, "client.address") != 0 ? NULL :
	    arena_copy(&asked->facts, "192.0.2.1", 9);
}

static const struct line_ops ops = { wake, opened, info };

static void setup(void)
{
	memset(&worker, 0, sizeof(worker));
	memset(&mount, 0, sizeof(mount));
	config = (struct config){ .timeouts = { .stream_idle_ms = IDLE_MS,
		.ping_ms = PING_MS } };
	worker.loop = loop_new();
	worker.config = &config;
	list_init(&worker.lines);
	ck_assert_int_eq(ws_shared_init(&worker.websockets, NULL), 0);
	mount.references = 2;	/* never closed here */
	heard[0] = '\0';
	woken = 0;
}

static void make(const struct line_protocol *protocol)
{
	line = line_new(&worker, protocol, &ops, NULL);
	ck_assert_ptr_nonnull(line);
	if (protocol == &line_websocket) {
		line_begin_websocket(line, 0, 1 << 20);
	}
	line->mount = site_mount_ref(&mount);
	line->duplex.handler_ops = &handler_ops;
}

static void open_line(const struct line_protocol *protocol)
{
	make(protocol);
	line->duplex.peer_ops->opened(&line->duplex, 0);
	heard[0] = '\0';
	woken = 0;
}

static void teardown(void)
{
	if (line != NULL) {
		line_free(line);
	}
	loop_run_deferred(worker.loop);
	ck_assert(list_empty(&worker.lines));
	ws_shared_release(&worker.websockets);
	loop_free(worker.loop);
}

static void say(const char *text)
{
	struct slice bytes = slice_of(text);

	ck_assert(line_wants_input(line));
	line_input(line, &bytes);
	ck_assert_uint_eq(bytes.size, 0);
}

static int reply(const char *text, unsigned flags)
{
	return line->duplex.peer_ops->send(&line->duplex, slice_of(text), flags);
}

static void close_with(uint16_t code)
{
	ck_assert_int_eq(line->duplex.peer_ops->close(&line->duplex, code, SLICE("")), 0);
}

/* The carrier takes all there is; is the line over then? */
static bool carry(char *out, size_t size)
{
	struct slice data = line_output(line);

	ck_assert_uint_lt(data.size, size);
	memcpy(out, data.data, data.size);
	out[data.size] = '\0';
	line_taken(line, data.size);
	return line_settle(line);
}

static void pass(int64_t ms)
{
	worker.loop->now_ms += ms;
	timers_run(&worker.loop->timers, worker.loop->now_ms);
}

START_TEST(stream_carries_bytes_both_ways)
{
	char out[64];

	open_line(&line_stream);
	say("hello");
	ck_assert_str_eq(heard, "0:hello ");
	ck_assert_int_eq(reply("answer", 0), 0);
	ck_assert_int_ge(woken, 1);
	ck_assert(!carry(out, sizeof(out)));
	ck_assert_str_eq(out, "answer");
}
END_TEST

START_TEST(greeting_waits_for_the_opening)
{
	char out[64];

	make(&line_stream);
	ck_assert(!line_wants_input(line));
	ck_assert_int_eq(reply("hi", 0), 0);
	line->duplex.peer_ops->opened(&line->duplex, 0);
	ck_assert_str_eq(heard, "opened(0) ");
	ck_assert(line_wants_input(line));
	carry(out, sizeof(out));
	ck_assert_str_eq(out, "hi");
}
END_TEST

START_TEST(refusal_is_the_end_without_a_call)
{
	make(&line_stream);
	line->duplex.peer_ops->opened(&line->duplex, 403);
	line_free(line);
	line = NULL;
	ck_assert_str_eq(heard, "opened(403) ");
}
END_TEST

START_TEST(close_while_opening_ends_behind_the_greeting)
{
	char out[64];

	make(&line_stream);
	ck_assert_int_eq(reply("go away", 0), 0);
	close_with(1000);
	ck_assert(!line_settle(line));
	line->duplex.peer_ops->opened(&line->duplex, 0);
	ck_assert(carry(out, sizeof(out)));
	ck_assert_str_eq(out, "go away");
	ck_assert_str_eq(heard, "opened(0) end(0) ");
}
END_TEST

START_TEST(stream_may_answer_after_the_peers_end)
{
	char out[64];

	open_line(&line_stream);
	line_end_input(line, true);
	ck_assert_str_eq(heard, "8: ");
	ck_assert(!line_settle(line));
	ck_assert(!line_wants_input(line));
	ck_assert_int_eq(reply("last", DUPLEX_END), 0);
	ck_assert_int_eq(reply("more", 0), ERR_CLOSED);
	ck_assert(carry(out, sizeof(out)));
	ck_assert_str_eq(heard, "8: end(0) ");
	ck_assert(!line->cut);
}
END_TEST

START_TEST(stream_may_listen_after_its_own_end)
{
	char out[64];

	open_line(&line_stream);
	ck_assert_int_eq(reply("", DUPLEX_END), 0);
	ck_assert(!carry(out, sizeof(out)));
	say("still there");
	line_end_input(line, true);
	ck_assert(line_settle(line));
	ck_assert_str_eq(heard, "0:still there 8: end(0) ");
}
END_TEST

START_TEST(close_waits_until_all_is_taken)
{
	char out[64];

	open_line(&line_stream);
	ck_assert_int_eq(reply("bye", 0), 0);
	close_with(1000);
	ck_assert(!line_settle(line));
	ck_assert_int_eq(reply("more", 0), ERR_CLOSED);
	ck_assert(carry(out, sizeof(out)));
	ck_assert_str_eq(heard, "end(0) ");
}
END_TEST

START_TEST(crash_cuts_a_stream)
{
	char out[64];

	open_line(&line_stream);
	close_with(DUPLEX_CODE_FAILED);
	ck_assert(carry(out, sizeof(out)));
	ck_assert(line->cut);
	ck_assert_int_eq(line->status, 502);
}
END_TEST

START_TEST(lost_peer_is_told_so)
{
	open_line(&line_stream);
	line_end_input(line, false);
	ck_assert(line_settle(line));
	ck_assert(line->cut);
	ck_assert_str_eq(heard, "end(1006) ");
}
END_TEST

START_TEST(carrier_that_goes_is_the_end)
{
	open_line(&line_stream);
	line_free(line);
	line = NULL;
	ck_assert_str_eq(heard, "end(1006) ");
}
END_TEST

START_TEST(send_is_refused_past_the_queue_and_drained_below)
{
	char *big = memory_new(1, BIG + 1);
	struct slice data = { big, BIG };

	open_line(&line_stream);
	ck_assert_int_eq(line->duplex.peer_ops->send(&line->duplex, data, 0), 0);
	ck_assert_int_eq(reply("more", 0), ERR_AGAIN);
	line_taken(line, BIG - DUPLEX_DRAIN_BYTES - 1);
	ck_assert_str_eq(heard, "");
	line_taken(line, 1);
	ck_assert_str_eq(heard, "drain ");
	line_taken(line, DUPLEX_DRAIN_BYTES);
	ck_assert_int_eq(reply("more", 0), 0);
	line_taken(line, line_output(line).size);
	ck_assert_str_eq(heard, "drain ");
	free(big);
}
END_TEST

START_TEST(pause_holds_the_peer_up)
{
	open_line(&line_stream);
	line->duplex.peer_ops->pause(&line->duplex, true);
	ck_assert(!line_wants_input(line));
	woken = 0;
	line->duplex.peer_ops->pause(&line->duplex, false);
	ck_assert(line_wants_input(line));
	ck_assert_int_eq(woken, 1);
}
END_TEST

/* Its answer is awaited, and nothing else of it is delivered. */
START_TEST(closed_websocket_is_heard_though_it_is_paused)
{
	static const char answer_bytes[] = "\x88\x82\0\0\0\0\x03\xe8";
	struct slice answer = { answer_bytes, sizeof(answer_bytes) - 1 };
	char out[64];

	open_line(&line_websocket);
	line->duplex.peer_ops->pause(&line->duplex, true);
	close_with(1000);
	ck_assert(!carry(out, sizeof(out)));
	ck_assert(line_wants_input(line));
	line_input(line, &answer);
	ck_assert(line_settle(line));
	ck_assert_str_eq(heard, "end(1000) ");
}
END_TEST

START_TEST(silent_stream_ends)
{
	open_line(&line_stream);
	pass(IDLE_MS / 2);
	say("x");
	pass(IDLE_MS / 2 + 2 * TIMER_TICK_MS);
	ck_assert(!line->over);
	pass(IDLE_MS);
	ck_assert(line_settle(line));
	ck_assert_str_eq(heard, "0:x end(1006) ");
}
END_TEST

/* A ping is 89 00; the pong to it, masked with zeros, 8a 80 00 00 00 00. */
START_TEST(silent_websocket_is_asked_and_then_lost)
{
	static const char pong_bytes[] = "\x8a\x80\0\0\0\0";
	struct slice pong = { pong_bytes, sizeof(pong_bytes) - 1 };
	char out[64];

	open_line(&line_websocket);
	pass(PING_MS + TIMER_TICK_MS);
	ck_assert(!carry(out, sizeof(out)));
	ck_assert_int_eq(memcmp(out, "\x89\0", 3), 0);
	line_input(line, &pong);
	pass(PING_MS + TIMER_TICK_MS);
	ck_assert(!carry(out, sizeof(out)));
	pass(PING_MS + TIMER_TICK_MS);
	ck_assert(line_settle(line));
	ck_assert(line->cut);
	ck_assert_str_eq(heard, "end(1006) ");
}
END_TEST

START_TEST(paused_websocket_is_not_held_to_answer)
{
	open_line(&line_websocket);
	line->duplex.peer_ops->pause(&line->duplex, true);
	for (int i = 0; i < 4; i++) {
		pass(PING_MS + TIMER_TICK_MS);
	}
	ck_assert(!line_settle(line));
}
END_TEST

START_TEST(websocket_that_has_not_taken_all_is_not_asked)
{
	char out[64];

	open_line(&line_websocket);
	ck_assert_int_eq(reply("hello", DUPLEX_TEXT), 0);
	for (int i = 0; i < 4; i++) {
		pass(PING_MS + TIMER_TICK_MS);
	}
	ck_assert(!carry(out, sizeof(out)));
	ck_assert_str_eq(out, "\x81\x05hello");
	pass(PING_MS + TIMER_TICK_MS);
	ck_assert_uint_eq(line_output(line).size, 2);
}
END_TEST

/* A close frame of code 1001, empty, unmasked: 88 02 03 e9. */
START_TEST(drain_says_going_away)
{
	static const char answer_bytes[] = "\x88\x82\0\0\0\0\x03\xe9";
	struct slice answer = { answer_bytes, sizeof(answer_bytes) - 1 };
	char out[64];

	open_line(&line_websocket);
	line_drain(line);
	ck_assert(!carry(out, sizeof(out)));
	ck_assert_int_eq(memcmp(out, "\x88\x02\x03\xe9", 4), 0);
	line_input(line, &answer);
	ck_assert(line_settle(line));
	ck_assert_str_eq(heard, "end(1001) ");
}
END_TEST

START_TEST(closed_websocket_does_not_wait_for_ever)
{
	char out[64];

	open_line(&line_websocket);
	close_with(1000);
	ck_assert(!carry(out, sizeof(out)));
	pass(6000);
	ck_assert(line_settle(line));
	ck_assert_str_eq(heard, "end(1006) ");
}
END_TEST

START_TEST(closed_websocket_waits_for_who_still_reads)
{
	open_line(&line_websocket);
	ck_assert_int_eq(reply("hello", DUPLEX_TEXT), 0);
	close_with(1000);
	for (int i = 0; i < 4; i++) {
		pass(4000);
		ck_assert(!line_settle(line));
		line_taken(line, 1);
	}
	pass(6000);
	ck_assert(line_settle(line));
}
END_TEST

START_TEST(closed_websocket_waits_until_it_has_opened)
{
	char out[64];

	make(&line_websocket);
	line_drain(line);
	pass(6000);
	ck_assert(!line_settle(line));
	line->duplex.peer_ops->opened(&line->duplex, 0);
	ck_assert(!carry(out, sizeof(out)));
	ck_assert_int_eq(memcmp(out, "\x88\x02\x03\xe9", 4), 0);
	pass(6000);
	ck_assert(line_settle(line));
}
END_TEST

/* A masked text of 4 bytes. */
START_TEST(closed_websocket_that_goes_on_talking_ends)
{
	static const char text_bytes[] = "\x81\x84\0\0\0\0abcd";
	char out[64];

	open_line(&line_websocket);
	close_with(1000);
	ck_assert(!carry(out, sizeof(out)));
	for (int i = 0; i < 2; i++) {
		struct slice text = { text_bytes, sizeof(text_bytes) - 1 };

		pass(3000);
		line_input(line, &text);
	}
	ck_assert(line_settle(line));
	ck_assert_str_eq(heard, "end(1006) ");
}
END_TEST

/* A close frame of code 1000, masked with zeros. */
static void say_close(void)
{
	static const char bytes[] = "\x88\x82\0\0\0\0\x03\xe8";
	struct slice input = { bytes, sizeof(bytes) - 1 };

	line_input(line, &input);
}

START_TEST(far_handler_answers_before_the_close_frame_is)
{
	char out[64];

	open_line(&line_websocket);
	line->duplex.handler_ops = &far_ops;
	say_close();
	line_end_input(line, true);
	ck_assert_str_eq(heard, "closed(1000) ");
	ck_assert(!carry(out, sizeof(out)));
	ck_assert_int_eq(reply("last", DUPLEX_TEXT), 0);
	close_with(1000);
	ck_assert(carry(out, sizeof(out)));
	ck_assert_str_eq(out, "\x81\x04last\x88\x02\x03\xe8");
	ck_assert_str_eq(heard, "closed(1000) end(1000) ");
}
END_TEST

START_TEST(far_handler_does_not_keep_who_has_closed)
{
	open_line(&line_websocket);
	line->duplex.handler_ops = &far_ops;
	say_close();
	pass(6000);
	ck_assert(line_settle(line));
	ck_assert_str_eq(heard, "closed(1000) end(1006) ");
}
END_TEST

START_TEST(only_those_of_the_old_handler_retire)
{
	struct site_mount newer = { .references = 2 };
	char out[64];

	open_line(&line_websocket);
	lines_retire(&worker, &newer);
	ck_assert_uint_eq(line_output(line).size, 0);
	lines_retire(&worker, &mount);
	carry(out, sizeof(out));
	ck_assert_int_eq(memcmp(out, "\x88\x02\x03\xf4", 4), 0);
}
END_TEST

START_TEST(facts_are_those_of_carrier_and_request)
{
	const struct duplex *duplex;

	open_line(&line_stream);
	duplex = &line->duplex;
	ck_assert_str_eq(duplex->peer_ops->info(duplex, "client.address"), "192.0.2.1");
	ck_assert_ptr_null(duplex->peer_ops->info(duplex, "http.version"));
	ck_assert_ptr_null(duplex->peer_ops->info(duplex, "websocket.protocol"));
}
END_TEST

/* By one who only ever speaks, from a timer. */
START_TEST(a_fact_may_be_asked_for_again_and_again)
{
	open_line(&line_stream);
	for (int i = 0; i < 10000; i++) {
		worker.loop->now_us++;
		ck_assert_pstr_eq(line->duplex.peer_ops->info(&line->duplex,
		    "client.address"), "192.0.2.1");
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { stream_carries_bytes_both_ways,
		greeting_waits_for_the_opening, refusal_is_the_end_without_a_call,
		close_while_opening_ends_behind_the_greeting,
		stream_may_answer_after_the_peers_end,
		stream_may_listen_after_its_own_end, close_waits_until_all_is_taken,
		crash_cuts_a_stream, lost_peer_is_told_so, carrier_that_goes_is_the_end,
		send_is_refused_past_the_queue_and_drained_below, pause_holds_the_peer_up,
		closed_websocket_is_heard_though_it_is_paused,
		silent_stream_ends, silent_websocket_is_asked_and_then_lost,
		paused_websocket_is_not_held_to_answer,
		websocket_that_has_not_taken_all_is_not_asked, drain_says_going_away,
		closed_websocket_does_not_wait_for_ever,
		closed_websocket_that_goes_on_talking_ends,
		closed_websocket_waits_for_who_still_reads,
		closed_websocket_waits_until_it_has_opened,
		far_handler_answers_before_the_close_frame_is,
		far_handler_does_not_keep_who_has_closed,
		only_those_of_the_old_handler_retire,
		facts_are_those_of_carrier_and_request,
		a_fact_may_be_asked_for_again_and_again };
	Suite *suite = suite_create("line");
	TCase *tcase = tcase_create("line");

	tcase_add_checked_fixture(tcase, setup, teardown);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		tcase_add_test(tcase, tests[i]);
	}
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
