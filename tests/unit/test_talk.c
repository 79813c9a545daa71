/* SPDX-License-Identifier: MIT */
/* WebSockets and streams in a real host, driven as its peer does. */
#include "host/talk.h"

#include "host_rig.h"
#include "remote/connect.h"
#include "fake_peer.h"
#include "unit.h"

static struct host_rig host;
static struct fake_peer peer;

#define FIRST_ID ((1u << FRAME_SLOT_BITS) | FRAME_CALLS)

static uint64_t id_of(uint32_t slot)
{
	return FIRST_ID + slot;
}

static void set_up(void)
{
	host_rig_start(&host, "puppet");
}

static void tear_down(void)
{
	host_rig_close(&host);
}

static void pack_stream(uint64_t id, uint32_t instance)
{
	fake_peer_init(&peer, DUPLEX_STREAM);
	ck_assert_int_eq(connect_pack(&host.out, id, instance, &peer.duplex, NULL), 0);
}

static void pack_offer(uint64_t id, const char *path, const char *query,
    const char *protocols)
{
	struct rig_exchange upgrade = { 0 };

	rig_begin(&upgrade, HTTP_GET, path);
	upgrade.exchange.match.pattern = "/*";
	upgrade.exchange.match.tail = SLICE("");
	upgrade.exchange.request.query = slice_of(query);
	ck_assert_int_eq(head_add(&upgrade.exchange.request.head,
	    SLICE("sec-websocket-protocol"), slice_of(protocols)), 0);
	fake_peer_init(&peer, DUPLEX_WEBSOCKET);
	ck_assert_int_eq(connect_pack(&host.out, id, 1, &peer.duplex, &upgrade.exchange),
	    0);
	rig_end(&upgrade);
}

static void pack_websocket(uint64_t id, const char *path, const char *query)
{
	pack_offer(id, path, query, "");
}

static void pack(enum frame_type type, uint64_t id, uint8_t flags, uint16_t code,
    struct slice payload)
{
	ck_assert_int_eq(frame_append(&host.out, type, flags, code, id, payload), 0);
}

static void say(uint64_t id, const char *text, uint8_t flags)
{
	pack(FRAME_MESSAGE, id, flags, 0, slice_of(text));
	host_rig_send(&host);
}

static struct frame expect(enum frame_type type, uint64_t id)
{
	return host_rig_expect_of(&host, type, id);
}

static void expect_message(uint64_t id, const char *text, unsigned flags)
{
	struct frame frame = expect(FRAME_MESSAGE, id);

	ck_assert_uint_eq(frame.header.flags, flags);
	ck_assert_uint_eq(frame.payload.size, strlen(text));
	ck_assert_int_eq(memcmp(frame.payload.data, text, strlen(text)), 0);
}

/* That line, wherever it comes. */
static void expect_log(const char *text, uint64_t id)
{
	struct frame frame;

	do {
		ck_assert_msg(host_rig_next(&host, &frame) == 0, "no '%s'", text);
	} while (frame.header.type != FRAME_LOG || frame.header.id != id ||
	    !slice_equal(frame.payload, slice_of(text)));
}

static void open_stream(uint64_t id)
{
	pack_stream(id, 1);
	host_rig_send(&host);
	expect(FRAME_CONNECTED, id);
}

static void open_websocket(uint64_t id)
{
	pack_websocket(id, "/", "");
	host_rig_send(&host);
	expect(FRAME_CONNECTED, id);
}

static void pack_window(uint64_t id, uint32_t more)
{
	pack(FRAME_WINDOW_MORE, id, 0, 0,
	    (struct slice){ (const char *)&more, sizeof(more) });
}

/* It ends the process: nothing more comes. */
static void expect_end_of_host(void)
{
	struct frame frame;

	host_rig_send(&host);
	while (host_rig_next(&host, &frame) == 0) {
	}
	ck_assert_int_ne(host_rig_wait(&host), 0);
}

START_TEST(a_stream_goes_both_ways)
{
	open_stream(id_of(0));
	say(id_of(0), "hello", 0);
	expect_message(id_of(0), "hello", 0);
	say(id_of(0), "info client.address", 0);
	expect_message(id_of(0), "192.0.2.1", 0);
	say(id_of(0), "info tls.sni", 0);
	expect_message(id_of(0), "NULL", 0);
	say(id_of(0), "info request.id", 0);
	expect_message(id_of(0), "00000000deadbeef", 0);
	say(id_of(0), "", DUPLEX_END);
	ck_assert_uint_eq(expect(FRAME_CLOSE, id_of(0)).header.code, 1000);
	pack(FRAME_DISCONNECT, id_of(0), 0, 0, SLICE(""));
	host_rig_send(&host);
	expect_log("end 0 after 5, -2", id_of(0));
	expect(FRAME_DISCONNECTED, id_of(0));
}
END_TEST

START_TEST(a_websocket_message_is_put_together)
{
	open_websocket(id_of(0));
	pack(FRAME_MESSAGE, id_of(0), DUPLEX_TEXT | FRAME_MORE, 0, SLICE("he"));
	pack(FRAME_MESSAGE, id_of(0), DUPLEX_TEXT | FRAME_MORE, 0, SLICE(""));
	say(id_of(0), "llo", DUPLEX_TEXT);
	expect_message(id_of(0), "hello", DUPLEX_TEXT);
	say(id_of(0), "close 3000 bye", DUPLEX_TEXT);
	ck_assert_uint_eq(expect(FRAME_CLOSE, id_of(0)).header.code, 3000);
	/* Who has closed hears no more. */
	say(id_of(0), "hello", DUPLEX_TEXT);
	pack(FRAME_DISCONNECT, id_of(0), 0, 3000, SLICE(""));
	host_rig_send(&host);
	expect_log("end 3000 after 2, -2", id_of(0));
}
END_TEST

START_TEST(a_subprotocol_is_known_to_the_handler)
{
	struct rig_exchange answer = { 0 };
	struct frame frame;

	pack_offer(id_of(0), "/choose", "", "one, two");
	host_rig_send(&host);
	frame = expect(FRAME_CONNECTED, id_of(0));
	rig_begin(&answer, HTTP_GET, "/");
	ck_assert_int_eq(reply_take_fields(&frame, &answer.exchange), 0);
	ck_assert_str_eq(rig_header(&answer, "sec-websocket-protocol"), "two");
	rig_end(&answer);
	say(id_of(0), "info websocket.protocol", DUPLEX_TEXT);
	expect_message(id_of(0), "two", DUPLEX_TEXT);
}
END_TEST

START_TEST(a_subprotocol_that_was_not_offered_is_not_in_use)
{
	pack_offer(id_of(0), "/choose", "", "one, Two");
	host_rig_send(&host);
	expect(FRAME_CONNECTED, id_of(0));
	say(id_of(0), "info websocket.protocol", DUPLEX_TEXT);
	expect_message(id_of(0), "NULL", DUPLEX_TEXT);
}
END_TEST

START_TEST(a_refusal_is_the_last_word)
{
	struct rig_exchange answer = { 0 };
	struct frame frame;

	pack_websocket(id_of(0), "/refuse", "");
	pack(FRAME_DISCONNECT, id_of(0), 0, 1006, SLICE(""));
	pack_websocket(id_of(0), "/own", "");
	host_rig_send(&host);
	ck_assert_uint_eq(expect(FRAME_REPLY, id_of(0)).header.code, 403);
	frame = expect(FRAME_REPLY, id_of(0));
	rig_begin(&answer, HTTP_GET, "/");
	ck_assert_int_eq(reply_take(&frame, &answer.exchange), 0);
	ck_assert_int_eq(answer.exchange.reply.status, 401);
	ck_assert_str_eq(rig_body(&answer), "not you\n");
	rig_end(&answer);
	open_stream(id_of(0));
}
END_TEST

START_TEST(a_release_may_send_while_its_reply_is_made)
{
	struct frame frame;

	open_stream(id_of(0));
	say(id_of(0), "witness", 0);
	pack_websocket(id_of(1), "/reference", "");
	host_rig_send(&host);
	expect_message(id_of(0), "released", 0);
	frame = expect(FRAME_REPLY, id_of(1));
	ck_assert_uint_eq(frame.header.code, 401);
	ck_assert_ptr_nonnull(memmem(frame.payload.data, frame.payload.size,
	    "not you\n", 8));
}
END_TEST

START_TEST(an_instance_that_is_not_there_refuses)
{
	pack_stream(id_of(0), 9);
	host_rig_send(&host);
	ck_assert_uint_eq(expect(FRAME_REFUSED, id_of(0)).header.code, 503);
}
END_TEST

START_TEST(an_instance_that_is_shut_lives_as_long_as_its_last)
{
	open_stream(id_of(0));
	host_rig_pack(&host, FRAME_SHUT, 1);
	pack_stream(id_of(1), 1);
	host_rig_send(&host);
	expect(FRAME_REFUSED, id_of(1));
	say(id_of(0), "still here", 0);
	expect_message(id_of(0), "still here", 0);
}
END_TEST

START_TEST(a_stop_waits_for_the_last)
{
	open_stream(id_of(0));
	host_rig_pack(&host, FRAME_STOP, 0);
	say(id_of(0), "still here", 0);
	expect_message(id_of(0), "still here", 0);
	pack(FRAME_DISCONNECT, id_of(0), 0, 0, SLICE(""));
	host_rig_send(&host);
	expect(FRAME_DISCONNECTED, id_of(0));
	ck_assert_int_eq(host_rig_wait(&host), 0);
}
END_TEST

START_TEST(what_comes_while_it_is_paused_waits)
{
	open_stream(id_of(0));
	open_stream(id_of(1));
	say(id_of(0), "pause", 0);
	say(id_of(0), "first", 0);
	say(id_of(0), "second", 0);
	say(id_of(1), "meanwhile", 0);
	expect_message(id_of(1), "meanwhile", 0);
	/* Nothing unpauses it but on_send: it has to be full for that. */
	pack(FRAME_DISCONNECT, id_of(0), 0, 1006, SLICE(""));
	host_rig_send(&host);
	expect_log("end 1006 after 1, -2", id_of(0));
}
END_TEST

static uint32_t take_messages(uint64_t id, uint32_t bytes, uint8_t *flags)
{
	uint32_t taken = 0;

	while (taken < bytes) {
		struct frame frame = expect(FRAME_MESSAGE, id);

		taken += frame.header.size;
		*flags = frame.header.flags;
	}
	return taken;
}

START_TEST(no_more_is_sent_than_the_window_lets_through)
{
	uint8_t flags;

	open_websocket(id_of(0));
	/* Three go, the third of them in part; the fourth is refused. */
	say(id_of(0), "fill 100000", DUPLEX_TEXT);
	ck_assert_uint_eq(take_messages(id_of(0), FRAME_DUPLEX_WINDOW, &flags),
	    FRAME_DUPLEX_WINDOW);
	ck_assert_uint_eq(flags, DUPLEX_BINARY | FRAME_MORE);
	expect_log("filled 3", id_of(0));
	say(id_of(0), "pause", DUPLEX_TEXT);
	say(id_of(0), "close 0", DUPLEX_TEXT);
	/* The rest of it, but too little to go on. */
	pack_window(id_of(0), 60000);
	host_rig_send(&host);
	take_messages(id_of(0), 1, &flags);
	ck_assert_uint_eq(flags, DUPLEX_BINARY);
	pack_window(id_of(0), FRAME_DUPLEX_WINDOW - 60000);
	host_rig_send(&host);
	expect_log("send again", id_of(0));
	expect(FRAME_CLOSE, id_of(0));
}
END_TEST

START_TEST(a_close_comes_behind_what_was_sent)
{
	uint8_t flags;

	open_stream(id_of(0));
	say(id_of(0), "fill 300000", 0);
	say(id_of(0), "close 0", 0);
	take_messages(id_of(0), FRAME_DUPLEX_WINDOW, &flags);
	pack_window(id_of(0), FRAME_DUPLEX_WINDOW);
	host_rig_send(&host);
	take_messages(id_of(0), 300000 - FRAME_DUPLEX_WINDOW, &flags);
	expect(FRAME_CLOSE, id_of(0));
}
END_TEST

START_TEST(what_was_taken_may_be_sent_again)
{
	static char bytes[40000];
	struct frame frame;
	struct unpack in;

	open_websocket(id_of(0));
	for (int i = 0; i < 2; i++) {
		pack(FRAME_MESSAGE, id_of(0), DUPLEX_BINARY, 0,
		    (struct slice){ bytes, sizeof(bytes) });
	}
	host_rig_send(&host);
	expect(FRAME_MESSAGE, id_of(0));
	expect(FRAME_MESSAGE, id_of(0));
	frame = expect(FRAME_WINDOW_MORE, id_of(0));
	in = (struct unpack){ .rest = frame.payload };
	ck_assert_uint_eq(unpack_u32(&in),
	    2 * (sizeof(bytes) + sizeof(struct frame_header)));
}
END_TEST

START_TEST(a_failure_closes)
{
	open_websocket(id_of(0));
	say(id_of(0), "result -5", DUPLEX_TEXT);
	ck_assert_uint_eq(expect(FRAME_CLOSE, id_of(0)).header.code, 1011);
}
END_TEST

START_TEST(a_crash_is_blamed_on_the_one_that_runs)
{
	struct frame frame;

	open_websocket(id_of(0));
	open_stream(id_of(1));
	pack(FRAME_MESSAGE, id_of(0), DUPLEX_TEXT, 0, SLICE("last words"));
	pack(FRAME_MESSAGE, id_of(1), 0, 0, SLICE("crash"));
	say(id_of(0), "lost", DUPLEX_TEXT);
	expect_message(id_of(0), "last words", DUPLEX_TEXT);
	ck_assert_int_eq(host_rig_next(&host, &frame), ERR_EOF);
	ck_assert_uint_eq(atomic_load(&host.page->running), id_of(1));
	ck_assert_str_eq(page_callback_name(host.page), "on_data");
	ck_assert_str_eq(host.page->request, "00000000deadbeef");
}
END_TEST

START_TEST(a_crash_in_on_connect_is_that_ones)
{
	struct frame frame;

	pack_stream(id_of(0), 1);
	pack_websocket(id_of(1), "/crash", "");
	host_rig_send(&host);
	expect(FRAME_CONNECTED, id_of(0));
	do {
		ck_assert_int_ne(host_rig_next(&host, &frame), ERR_PROTOCOL);
	} while (host.from_page == false);
	ck_assert_uint_eq(atomic_load(&host.page->running), id_of(1));
	ck_assert_str_eq(page_callback_name(host.page), "on_connect");
}
END_TEST

START_TEST(a_peer_that_goes_ends_them_all)
{
	open_stream(id_of(0));
	open_stream(id_of(70));
	shutdown(host.fd, SHUT_WR);
	expect_log("end 1006 after 0, -2", id_of(0));
	expect_log("end 1006 after 0, -2", id_of(70));
	ck_assert_int_eq(host_rig_wait(&host), 0);
}
END_TEST

START_TEST(an_id_that_is_taken_makes_no_sense)
{
	open_stream(id_of(0));
	pack_stream(id_of(0), 1);
	expect_end_of_host();
}
END_TEST

START_TEST(an_id_of_a_call_makes_no_sense)
{
	pack_stream(FIRST_ID - 1, 1);
	expect_end_of_host();
}
END_TEST

START_TEST(an_id_beyond_all_slots_makes_no_sense)
{
	pack_stream(id_of(FRAME_DUPLEXES), 1);
	expect_end_of_host();
}
END_TEST

START_TEST(a_kind_that_is_none_makes_no_sense)
{
	fake_peer_init(&peer, DUPLEX_STREAM);
	peer.duplex.kind = 3;
	ck_assert_int_eq(connect_pack(&host.out, id_of(0), 1, &peer.duplex, NULL), 0);
	expect_end_of_host();
}
END_TEST

START_TEST(a_websocket_without_its_request_makes_no_sense)
{
	fake_peer_init(&peer, DUPLEX_WEBSOCKET);
	ck_assert_int_eq(connect_pack(&host.out, id_of(0), 1, &peer.duplex, NULL), 0);
	expect_end_of_host();
}
END_TEST

START_TEST(a_message_to_nobody_makes_no_sense)
{
	pack(FRAME_MESSAGE, id_of(0), 0, 0, SLICE("x"));
	expect_end_of_host();
}
END_TEST

START_TEST(a_window_that_is_too_large_makes_no_sense)
{
	open_stream(id_of(0));
	pack_window(id_of(0), 1);
	expect_end_of_host();
}
END_TEST

static void add_talk(TCase *tcase)
{
	tcase_add_test(tcase, a_stream_goes_both_ways);
	tcase_add_test(tcase, a_websocket_message_is_put_together);
	tcase_add_test(tcase, a_subprotocol_is_known_to_the_handler);
	tcase_add_test(tcase, a_subprotocol_that_was_not_offered_is_not_in_use);
	tcase_add_test(tcase, a_refusal_is_the_last_word);
	tcase_add_test(tcase, a_release_may_send_while_its_reply_is_made);
	tcase_add_test(tcase, an_instance_that_is_not_there_refuses);
	tcase_add_test(tcase, an_instance_that_is_shut_lives_as_long_as_its_last);
	tcase_add_test(tcase, a_stop_waits_for_the_last);
	tcase_add_test(tcase, what_comes_while_it_is_paused_waits);
	tcase_add_test(tcase, no_more_is_sent_than_the_window_lets_through);
	tcase_add_test(tcase, a_close_comes_behind_what_was_sent);
	tcase_add_test(tcase, what_was_taken_may_be_sent_again);
}

static void add_ends(TCase *tcase)
{
	tcase_add_test(tcase, a_failure_closes);
	tcase_add_test(tcase, a_crash_is_blamed_on_the_one_that_runs);
	tcase_add_test(tcase, a_crash_in_on_connect_is_that_ones);
	tcase_add_test(tcase, a_peer_that_goes_ends_them_all);
	tcase_add_test(tcase, an_id_that_is_taken_makes_no_sense);
	tcase_add_test(tcase, an_id_of_a_call_makes_no_sense);
	tcase_add_test(tcase, an_id_beyond_all_slots_makes_no_sense);
	tcase_add_test(tcase, a_kind_that_is_none_makes_no_sense);
	tcase_add_test(tcase, a_websocket_without_its_request_makes_no_sense);
	tcase_add_test(tcase, a_message_to_nobody_makes_no_sense);
	tcase_add_test(tcase, a_window_that_is_too_large_makes_no_sense);
}

int main(void)
{
	Suite *suite = suite_create("talk");
	TCase *tcase = tcase_create("talk");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	add_talk(tcase);
	add_ends(tcase);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
