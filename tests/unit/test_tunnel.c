/* SPDX-License-Identifier: MIT */
/* WebSockets and streams whose handler is in a host, which the test plays, as it plays
 * their peers: how they open, what goes either way, how they end. */
#include "remote/tunnel.h"

#include "remote/connect.h"
#include "tunnel_rig.h"
#include "unit.h"

START_TEST(carries_a_stream_both_ways)
{
	struct connect_message message;
	struct frame frame;
	uint64_t id;

	make_stream(&peer, TIMEOUT_MS);
	frame = hear_frame(FRAME_CONNECT);
	id = frame.header.id;
	ck_assert(frame_is_duplex(id));
	ck_assert_int_eq(connect_unpack(&frame, &message), 0);
	ck_assert_uint_eq(message.instance, fake.instance);
	ck_assert_str_eq(message.id, "00000000deadbeef");
	ck_assert_str_eq(connect_fact(message.facts, "client.address"), "192.0.2.1");
	ck_assert_ptr_null(connect_fact(message.facts, "tls.sni"));
	ck_assert_ptr_null(message.upgrade.data);
	ck_assert_int_eq(peer.opened, 0);
	say_now(FRAME_CONNECTED, 0, 0, id, NO_FIELDS);
	ck_assert_int_eq(peer.opened, 1);
	fake_peer_say(&peer, "hello", 0);
	fake_peer_say(&peer, "", DUPLEX_END);
	turn();
	hear_message(id, "hello", 0);
	hear_message(id, "", DUPLEX_END);
	say(&fake, FRAME_MESSAGE, 0, 0, id, SLICE("hi"));
	say_now(FRAME_MESSAGE, DUPLEX_END, 0, id, SLICE("you"));
	ck_assert_str_eq(fake_peer_trace(&peer), ":hi E:you ");
	settle_end(&peer, id);
}
END_TEST

START_TEST(carries_a_websocket_both_ways)
{
	uint64_t id = open_websocket();

	fake_peer_say(&peer, "hello", DUPLEX_TEXT);
	turn();
	hear_message(id, "hello", DUPLEX_TEXT);
	say(&fake, FRAME_MESSAGE, DUPLEX_TEXT | DUPLEX_MORE, 0, id, SLICE("gr\xc3"));
	say(&fake, FRAME_MESSAGE, DUPLEX_TEXT, 0, id, SLICE("\xbc\xc3\x9f"));
	say_now(FRAME_CLOSE, 0, 3000, id, SLICE("bye"));
	ck_assert_str_eq(fake_peer_trace(&peer),
	    "T+:gr\xc3 T:\xbc\xc3\x9f close(3000,bye) ");
	settle_end(&peer, id);
}
END_TEST

START_TEST(what_a_handler_answers_comes_before_the_end)
{
	uint64_t id = open_websocket();

	fake_peer_say(&peer, "hello", DUPLEX_TEXT);
	peer.duplex.handler_ops->closed(&peer.duplex, 3000);
	turn();
	hear_message(id, "hello", DUPLEX_TEXT);
	hear_disconnect(id, 3000);
	say(&fake, FRAME_MESSAGE, DUPLEX_TEXT, 0, id, SLICE("you"));
	say_now(FRAME_DISCONNECTED, 0, 0, id, SLICE(""));
	ck_assert_str_eq(fake_peer_trace(&peer), "T:you close(3000,) ");
	ck_assert_ptr_null(peer.duplex.handler_ops);
}
END_TEST

START_TEST(a_peer_that_has_closed_and_leaves_is_settled_once)
{
	uint64_t id = open_websocket();

	peer.duplex.handler_ops->closed(&peer.duplex, 3000);
	fake_peer_end(&peer, DUPLEX_CODE_LOST);
	turn();
	hear_disconnect(id, 3000);
	hear_nothing();
	say_now(FRAME_DISCONNECTED, 0, 0, id, SLICE(""));
	ck_assert_int_eq(fake.lost, 0);
}
END_TEST

START_TEST(fields_of_the_answer_come_along)
{
	struct rig_exchange answer = { 0 };
	size_t mark;
	uint64_t id;

	make_websocket(TIMEOUT_MS);
	id = hear_connect();
	rig_begin(&answer, HTTP_GET, "/");
	ck_assert_int_eq(frame_begin(&fake.out, FRAME_CONNECTED, 0, id, &mark), 0);
	ck_assert_int_eq(pack_u32(&fake.out, 1), 0);
	ck_assert_int_eq(pack_text(&fake.out, SLICE("sec-websocket-protocol")), 0);
	ck_assert_int_eq(pack_text(&fake.out, SLICE("two")), 0);
	ck_assert_int_eq(frame_end(&fake.out, mark, 0), 0);
	flush(&fake);
	ck_assert_int_eq(peer.status, 0);
	ck_assert_str_eq(rig_header(&call, "sec-websocket-protocol"), "two");
	rig_end(&answer);
	rig_end(&call);
	settle_end(&peer, id);
}
END_TEST

START_TEST(a_status_refuses_and_is_the_last_word)
{
	uint64_t id;

	make_websocket(TIMEOUT_MS);
	id = hear_connect();
	say_now(FRAME_REFUSED, 0, 403, id, NO_FIELDS);
	ck_assert_int_eq(peer.status, 403);
	ck_assert_ptr_null(peer.duplex.handler_ops);
	ck_assert_int_eq(call.exchange.state, EXCHANGE_OPEN);
	rig_end(&call);
	hear_nothing();
	say_now(FRAME_MESSAGE, 0, 0, id, SLICE("x"));
	ck_assert_int_eq(fake.lost, 1);
}
END_TEST

START_TEST(a_reply_refuses_in_the_handlers_words)
{
	uint64_t id;

	make_websocket(TIMEOUT_MS);
	id = hear_connect();
	say_fields(&fake, FRAME_REPLY, 401, id, 5, "www-authenticate", "Basic");
	flush(&fake);
	ck_assert_int_eq(peer.status, 401);
	check_status(&call, 401);
	ck_assert_str_eq(rig_body(&call), "hello");
	rig_end(&call);
}
END_TEST

START_TEST(a_greeting_comes_before_the_answer)
{
	uint64_t id;

	make_stream(&peer, TIMEOUT_MS);
	id = hear_connect();
	say(&fake, FRAME_MESSAGE, 0, 0, id, SLICE("welcome"));
	say_now(FRAME_CLOSE, 0, 1000, id, SLICE(""));
	ck_assert_int_eq(peer.opened, 0);
	say_now(FRAME_CONNECTED, 0, 0, id, NO_FIELDS);
	ck_assert_str_eq(fake_peer_trace(&peer), ":welcome close(1000,) ");
	settle_end(&peer, id);
}
END_TEST

START_TEST(a_peer_that_leaves_before_the_answer_is_settled_too)
{
	uint64_t id;

	make_stream(&peer, TIMEOUT_MS);
	id = hear_connect();
	fake_peer_end(&peer, DUPLEX_CODE_LOST);
	turn();
	ck_assert_uint_eq(hear_frame(FRAME_DISCONNECT).header.id, id);
	/* Both were on their way. */
	say(&fake, FRAME_MESSAGE, 0, 0, id, SLICE("welcome"));
	say(&fake, FRAME_CONNECTED, 0, 0, id, NO_FIELDS);
	say_now(FRAME_DISCONNECTED, 0, 0, id, SLICE(""));
	ck_assert_int_eq(peer.opened, 0);
	make_stream(&peer, TIMEOUT_MS);
	id = hear_connect();
	fake_peer_end(&peer, DUPLEX_CODE_LOST);
	turn();
	hear_frame(FRAME_DISCONNECT);
	say_now(FRAME_REFUSED, 0, 403, id, NO_FIELDS);
	ck_assert_int_eq(peer.opened, 0);
	ck_assert_int_eq(fake.lost, 0);
	remote_shut(fake.remote, fake.instance);
	ck_assert_int_eq(fake.idle, 1);
}
END_TEST

START_TEST(a_long_message_goes_in_parts)
{
	static char bytes[FRAME_DATA_MAX + 1];
	uint64_t id = open_websocket();
	struct frame frame;

	memset(bytes, 'x', sizeof(bytes));
	peer.duplex.handler_ops->data(&peer.duplex,
	    (struct slice){ bytes, sizeof(bytes) }, DUPLEX_TEXT);
	turn();
	frame = hear_frame(FRAME_MESSAGE);
	ck_assert_uint_eq(frame.header.flags, DUPLEX_TEXT | DUPLEX_MORE);
	ck_assert_uint_eq(frame.payload.size, FRAME_DATA_MAX);
	hear_message(id, "x", DUPLEX_TEXT);
	settle_end(&peer, id);
}
END_TEST

START_TEST(its_instance_may_be_shut_before_it_ends)
{
	uint64_t id = open_stream(&peer);

	remote_shut(fake.remote, fake.instance);
	ck_assert_int_eq(fake.idle, 0);
	fake_peer_say(&peer, "still here", 0);
	turn();
	hear_frame(FRAME_SHUT);
	hear_message(id, "still here", 0);
	settle_end(&peer, id);
	ck_assert_int_eq(fake.idle, 1);
}
END_TEST

START_TEST(a_line_of_the_plugin_has_the_request_it_is_about)
{
	uint64_t id = open_stream(&peer);

	say_now(FRAME_LOG, 0, 3, id, SLICE("so"));
	ck_assert_str_eq(fake.said, "3 bad 00000000deadbeef: so");
	settle_end(&peer, id);
}
END_TEST

START_TEST(what_is_sent_to_one_that_closes_is_dropped)
{
	uint64_t id = open_websocket();

	peer.duplex.state = DUPLEX_CLOSING;
	say(&fake, FRAME_MESSAGE, DUPLEX_TEXT, 0, id, SLICE("x"));
	say_now(FRAME_CLOSE, 0, 1000, id, SLICE(""));
	ck_assert_str_eq(fake_peer_trace(&peer), "");
	settle_end(&peer, id);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tunnel");
	TCase *tests = tcase_create("tunnel");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, carries_a_stream_both_ways);
	tcase_add_test(tests, carries_a_websocket_both_ways);
	tcase_add_test(tests, what_a_handler_answers_comes_before_the_end);
	tcase_add_test(tests, a_peer_that_has_closed_and_leaves_is_settled_once);
	tcase_add_test(tests, fields_of_the_answer_come_along);
	tcase_add_test(tests, a_status_refuses_and_is_the_last_word);
	tcase_add_test(tests, a_reply_refuses_in_the_handlers_words);
	tcase_add_test(tests, a_greeting_comes_before_the_answer);
	tcase_add_test(tests, a_peer_that_leaves_before_the_answer_is_settled_too);
	tcase_add_test(tests, a_long_message_goes_in_parts);
	tcase_add_test(tests, its_instance_may_be_shut_before_it_ends);
	tcase_add_test(tests, a_line_of_the_plugin_has_the_request_it_is_about);
	tcase_add_test(tests, what_is_sent_to_one_that_closes_is_dropped);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
