/* SPDX-License-Identifier: MIT */
/* HTTP/2 of a worker: streams, waits, attacks, the end. Its rules are in tests/http2. */
#include "h2_client.h"
#include "unit.h"

#define WINDOW 65535
#define CALM 11			/* ENHANCE_YOUR_CALM, RFC 9113 section 7 */
#define FLOOD 5000		/* frames, more than any allowance */

static struct served served;
static struct h2_client client;
static struct buffer out;

static void set_up(void)
{
	rig_open(&served.rig);
	rig_add(&served.rig, "greeter");
	rig_add(&served.rig, "bulk");
	buffer_init(&out, 1 << 24);
}

static void tear_down(void)
{
	h2_client_close(&client);
	buffer_release(&out);
	served_stop(&served);
}

static void start(const char *members, uint32_t window)
{
	served_start(&served, members);
	h2_client_open(&client, &served, window);
}

static void await_status(uint32_t stream, int status)
{
	struct h2_reply reply;

	h2_client_await(&client, H2_HEADERS, &reply);
	ck_assert_uint_eq(reply.frame.stream, stream);
	ck_assert_int_eq(reply.status, status);
}

static void check_serves(uint32_t stream)
{
	h2_put_request(&out, stream, "GET", "/greet/you", H2_END_STREAM);
	h2_client_send(&client, &out);
	await_status(stream, 200);
}

/* GOAWAY, the end, one more on the scoreboard, and another client is served. */
static void check_ends_attack(void)
{
	h2_client_send(&client, &out);
	h2_client_await_goaway(&client, CALM);
	ck_assert_uint_eq(counter_get(&served.board->worker[0].abuses), 1);
	h2_client_close(&client);
	h2_client_open(&client, &served, WINDOW);
	check_serves(1);
}

START_TEST(answers_many_streams_at_once)
{
	struct h2_reply reply;
	uint64_t seen = 0;

	start("", WINDOW);
	for (uint32_t i = 0; i < 64; i++) {
		h2_put_request(&out, 2 * i + 1, "GET", "/greet/you", H2_END_STREAM);
	}
	h2_client_send(&client, &out);
	while (seen != UINT64_MAX) {
		h2_client_await(&client, H2_DATA, &reply);
		ck_assert_uint_eq(reply.frame.size, strlen("Hello, you\n"));
		ck_assert_uint_eq(reply.frame.flags, H2_END_STREAM);
		seen |= UINT64_C(1) << (reply.frame.stream / 2);
	}
}
END_TEST

/* The first one shares its record with the header. The window is wide enough up to the
 * last one: from two records on it is shared out. */
START_TEST(fills_records_with_frames)
{
	struct h2_reply reply;
	size_t record = 0;

	start("", 1 << 20);
	h2_put_request(&out, 1, "GET", "/bulk/48000", H2_END_STREAM);
	h2_client_send(&client, &out);
	h2_client_await(&client, H2_HEADERS, &reply);
	for (size_t left = 48000; left > 0; left -= reply.frame.size) {
		h2_client_await(&client, H2_DATA, &reply);
		record = record == 0 ? reply.frame.size : record;
		ck_assert_uint_le(reply.frame.size, left);
		if (left > reply.frame.size && left < 48000) {
			ck_assert_uint_eq(reply.frame.size + H2_FRAME_HEADER, 16384);
		}
	}
	ck_assert_uint_lt(record + H2_FRAME_HEADER, 16384);
}
END_TEST

START_TEST(sends_what_the_windows_let_through)
{
	static const unsigned char more[] = { 0, 0, 0, 30 };
	struct h2_reply reply;

	start("", 10);
	h2_put_request(&out, 1, "GET", "/bulk/40", H2_END_STREAM);
	h2_client_send(&client, &out);
	h2_client_await(&client, H2_DATA, &reply);
	ck_assert_uint_eq(reply.frame.size, 10);
	check_serves(3);
	h2_put_frame(&out, H2_WINDOW_UPDATE, 0, 1, more, sizeof(more));
	h2_client_send(&client, &out);
	do {
		h2_client_await(&client, H2_DATA, &reply);
	} while (reply.frame.stream != 1);
	ck_assert_uint_eq(reply.frame.size, 30);
	ck_assert_uint_eq(reply.frame.flags, H2_END_STREAM);
}
END_TEST

/* RFC 9218: the urgent one goes first, although it was asked for last. */
START_TEST(heeds_priorities)
{
	struct h2_reply reply;
	struct buffer block;

	start("", 1 << 20);
	buffer_init(&block, 4096);
	h2_put_pseudo(&block, "GET", "/bulk/30000");
	h2_put_field(&block, "priority", "u=6");
	h2_put_frame(&out, H2_HEADERS, H2_END_STREAM | H2_END_HEADERS, 1,
	    buffer_slice(&block).data, block.size);
	buffer_reset(&block);
	h2_put_pseudo(&block, "GET", "/bulk/30000");
	h2_put_field(&block, "priority", "u=1");
	h2_put_frame(&out, H2_HEADERS, H2_END_STREAM | H2_END_HEADERS, 3,
	    buffer_slice(&block).data, block.size);
	buffer_release(&block);
	h2_client_send(&client, &out);
	do {
		h2_client_await(&client, H2_DATA, &reply);
		ck_assert_uint_eq(reply.frame.stream, 3);
	} while ((reply.frame.flags & H2_END_STREAM) == 0);
	h2_client_await(&client, H2_DATA, &reply);
	ck_assert_uint_eq(reply.frame.stream, 1);
}
END_TEST

START_TEST(resets_the_rest_of_a_request_that_is_answered)
{
	static const char body[1000];
	struct h2_reply reply;

	start(",\"limits\":{\"max_body_bytes\":1500}", WINDOW);
	h2_put_request(&out, 1, "POST", "/greet/you", 0);
	h2_put_frame(&out, H2_DATA, 0, 1, body, sizeof(body));
	h2_put_frame(&out, H2_DATA, 0, 1, body, sizeof(body));
	h2_put_frame(&out, H2_DATA, 0, 1, body, sizeof(body));
	h2_client_send(&client, &out);
	await_status(1, 413);
	h2_client_await(&client, H2_RST_STREAM, &reply);
	ck_assert_uint_eq(h2_number(reply.payload), 0);
	/* It may have been sent before the client knew. */
	h2_put_frame(&out, H2_DATA, 0, 1, body, sizeof(body));
	check_serves(3);
}
END_TEST

START_TEST(refuses_a_large_header_and_goes_on)
{
	struct buffer block;
	struct slice rest;

	start(",\"limits\":{\"max_header_bytes\":2000}", WINDOW);
	buffer_init(&block, 1 << 20);
	h2_put_pseudo(&block, "GET", "/greet/you");
	for (int i = 0; i < 1000; i++) {
		h2_put_field(&block, "x-name", "0123456789");
	}
	rest = buffer_slice(&block);
	h2_put_frame(&out, H2_HEADERS, H2_END_STREAM, 1, rest.data, 10000);
	h2_put_frame(&out, H2_CONTINUATION, H2_END_HEADERS, 1, rest.data + 10000,
	    rest.size - 10000);
	buffer_release(&block);
	h2_client_send(&client, &out);
	await_status(1, 431);
	check_serves(3);
}
END_TEST

START_TEST(ends_rapid_reset)
{
	start("", WINDOW);
	for (uint32_t i = 0; i < FLOOD; i++) {
		h2_put_request(&out, 2 * i + 1, "GET", "/greet/you", H2_END_STREAM);
		h2_put_frame(&out, H2_RST_STREAM, 0, 2 * i + 1, "\0\0\0\x08", 4);
	}
	check_ends_attack();
}
END_TEST

/* A window past 2^31-1 is a fault that we must reset the stream for. */
START_TEST(ends_resets_that_it_is_made_to_do)
{
	struct h2_reply reply = { .frame.type = H2_RST_STREAM };
	uint32_t stream = 1;

	start("", WINDOW);
	while (reply.frame.type == H2_RST_STREAM) {
		ck_assert_uint_lt(stream, 2 * FLOOD);
		h2_put_request(&out, stream, "POST", "/greet/you", 0);
		h2_put_frame(&out, H2_WINDOW_UPDATE, 0, stream, "\x7f\xff\xff\xff", 4);
		h2_client_send(&client, &out);
		do {
			ck_assert(h2_client_next(&client, &reply));
		} while (reply.frame.type == H2_SETTINGS ||
		    reply.frame.type == H2_WINDOW_UPDATE);
		stream += 2;
	}
	ck_assert_int_eq(reply.frame.type, H2_GOAWAY);
	ck_assert_uint_eq(h2_number(reply.payload + 4), CALM);
	ck_assert_uint_eq(counter_get(&served.board->worker[0].abuses), 1);
}
END_TEST

START_TEST(ends_endless_continuation)
{
	start("", WINDOW);
	h2_put_frame(&out, H2_HEADERS, H2_END_STREAM, 1, "\x82", 1);
	for (int i = 0; i < FLOOD; i++) {
		h2_put_frame(&out, H2_CONTINUATION, 0, 1, "", 0);
	}
	check_ends_attack();
}
END_TEST

static const struct { int type; const char *payload; size_t size; } floods[] = {
	{ H2_PING, "12345678", 8 }, { H2_SETTINGS, "", 0 },
	{ H2_PRIORITY, "\0\0\0\x05\x10", 5 }, { H2_WINDOW_UPDATE, "\0\0\0\x01", 4 },
	{ H2_DATA, "", 0 }, { H2_DATA | 0x100, "\x02\0\0", 3 },
	{ H2_PRIORITY_UPDATE, "\0\0\0\x01u=1", 7 }, { 99, "", 0 }
};

START_TEST(ends_floods)
{
	int type = floods[_i].type & 0xff;
	int flags = floods[_i].type & 0x100 ? H2_FLAG_PADDED : 0;
	bool own = type == H2_SETTINGS || type == H2_PING || type == H2_PRIORITY_UPDATE;

	start("", WINDOW);
	h2_put_request(&out, 1, "POST", "/greet/you", 0);
	for (int i = 0; i < FLOOD; i++) {
		h2_put_frame(&out, type, flags, own ? 0 : 1, floods[_i].payload,
		    floods[_i].size);
	}
	check_ends_attack();
}
END_TEST

/* A field of the table, 4000 bytes, again and again for a byte each. */
START_TEST(ends_a_header_that_grows_when_unpacked)
{
	static char again[8000];
	struct buffer block;

	start("", WINDOW);
	buffer_init(&block, 1 << 20);
	h2_put_pseudo(&block, "GET", "/greet/you");
	h2_put(&block, "\x40\x01x\x7f\xa1\x1e", 6);
	memset(again, 'x', sizeof(again));
	h2_put(&block, again, 4000);
	memset(again, 0xbe, sizeof(again));
	h2_put(&block, again, sizeof(again));
	h2_put_frame(&out, H2_HEADERS, H2_END_STREAM | H2_END_HEADERS, 1,
	    buffer_slice(&block).data, block.size);
	buffer_release(&block);
	check_ends_attack();
}
END_TEST

START_TEST(ends_a_window_that_stays_shut)
{
	start(",\"timeouts\":{\"write_ms\":200}", 0);
	h2_put_request(&out, 1, "GET", "/bulk/1000", H2_END_STREAM);
	check_ends_attack();
}
END_TEST

START_TEST(ends_a_header_that_does_not)
{
	start(",\"timeouts\":{\"header_ms\":200}", WINDOW);
	h2_put_frame(&out, H2_HEADERS, H2_END_STREAM, 1, "\x82", 1);
	check_ends_attack();
}
END_TEST

/* What other streams do is no excuse: their frames do not start the time anew. */
START_TEST(answers_a_body_that_does_not_come)
{
	start(",\"timeouts\":{\"body_ms\":200}", WINDOW);
	h2_put_request(&out, 1, "POST", "/greet/you", 0);
	check_serves(3);
	await_status(1, 408);
	check_serves(5);
}
END_TEST

START_TEST(ends_an_idle_connection)
{
	start(",\"timeouts\":{\"idle_ms\":200}", WINDOW);
	check_serves(1);
	h2_client_await_goaway(&client, 0);
}
END_TEST

START_TEST(ends_with_a_client_that_is_no_client)
{
	served_start(&served, "");
	h2_client_open(&client, &served, WINDOW);
	h2_put_request(&out, 2, "GET", "/", H2_END_STREAM);
	h2_client_send(&client, &out);
	h2_client_await_goaway(&client, 1);
}
END_TEST

START_TEST(drains_in_two_steps)
{
	struct h2_reply reply;

	start("", 10);
	h2_put_request(&out, 1, "GET", "/bulk/20", H2_END_STREAM);
	h2_client_send(&client, &out);
	await_status(1, 200);
	kill(served.pid, SIGTERM);
	h2_client_await(&client, H2_GOAWAY, &reply);
	ck_assert_uint_eq(h2_number(reply.payload), INT32_MAX);
	ck_assert_uint_eq(h2_number(reply.payload + 4), 0);
	h2_client_await(&client, H2_PING, &reply);
	/* Sent before the client knew: it is served. */
	h2_put_request(&out, 3, "GET", "/greet/you", H2_END_STREAM);
	h2_put_frame(&out, H2_PING, H2_ACK, 0, reply.payload, 8);
	h2_client_send(&client, &out);
	h2_client_await(&client, H2_GOAWAY, &reply);
	ck_assert_uint_eq(h2_number(reply.payload), 3);
	await_status(3, 200);
	/* What was asked for before comes whole, then the end. */
	h2_put_frame(&out, H2_WINDOW_UPDATE, 0, 3, "\0\0\0\x64", 4);
	h2_put_frame(&out, H2_WINDOW_UPDATE, 0, 1, "\0\0\0\x64", 4);
	h2_client_send(&client, &out);
	for (int ended = 0; ended < 2; ended += reply.frame.flags & H2_END_STREAM) {
		h2_client_await(&client, H2_DATA, &reply);
	}
	ck_assert(!h2_client_next(&client, &reply));
}
END_TEST

START_TEST(ends_with_requests_under_way)
{
	start("", 10);
	for (uint32_t i = 0; i < 20; i++) {
		h2_put_request(&out, 4 * i + 1, "GET", "/bulk/1000", H2_END_STREAM);
		h2_put_request(&out, 4 * i + 3, "POST", "/greet/you", 0);
	}
	h2_put_frame(&out, H2_HEADERS, 0, 201, "\x82", 1);
	h2_client_send(&client, &out);
	await_status(1, 200);
	h2_client_reset(&client);
	h2_client_open(&client, &served, WINDOW);
	check_serves(1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("h2_session");
	TCase *all = tcase_create("streams");

	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, set_up, tear_down);
	tcase_add_test(all, answers_many_streams_at_once);
	tcase_add_test(all, fills_records_with_frames);
	tcase_add_test(all, sends_what_the_windows_let_through);
	tcase_add_test(all, heeds_priorities);
	tcase_add_test(all, resets_the_rest_of_a_request_that_is_answered);
	tcase_add_test(all, refuses_a_large_header_and_goes_on);
	tcase_add_test(all, ends_rapid_reset);
	tcase_add_test(all, ends_resets_that_it_is_made_to_do);
	tcase_add_test(all, ends_endless_continuation);
	tcase_add_loop_test(all, ends_floods, 0,
	    (int)(sizeof(floods) / sizeof(floods[0])));
	tcase_add_test(all, ends_a_header_that_grows_when_unpacked);
	tcase_add_test(all, ends_a_window_that_stays_shut);
	tcase_add_test(all, ends_a_header_that_does_not);
	tcase_add_test(all, answers_a_body_that_does_not_come);
	tcase_add_test(all, ends_an_idle_connection);
	tcase_add_test(all, ends_with_a_client_that_is_no_client);
	tcase_add_test(all, drains_in_two_steps);
	tcase_add_test(all, ends_with_requests_under_way);
	suite_add_tcase(suite, all);
	return unit_run(suite);
}
