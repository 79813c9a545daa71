/* SPDX-License-Identifier: MIT */
/* WebSockets and streams whose handler is in a host, which the test plays, as it plays
 * their peers. */
#include "remote/tunnel.h"

#include "remote/connect.h"
#include "tunnel_rig.h"
#include "unit.h"

#define LATE_MS 60

static char bytes[FRAME_DUPLEX_WINDOW];

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
	uint64_t id = open_websocket();
	struct frame frame;

	memset(bytes, 'x', sizeof(bytes));
	peer.duplex.handler_ops->data(&peer.duplex,
	    (struct slice){ bytes, FRAME_DATA_MAX + 1 }, DUPLEX_TEXT);
	turn();
	frame = hear_frame(FRAME_MESSAGE);
	ck_assert_uint_eq(frame.header.flags, DUPLEX_TEXT | DUPLEX_MORE);
	ck_assert_uint_eq(frame.payload.size, FRAME_DATA_MAX);
	hear_message(id, "x", DUPLEX_TEXT);
	settle_end(&peer, id);
}
END_TEST

START_TEST(a_peer_is_held_up_while_the_host_takes_no_more)
{
	uint64_t id = open_stream(&peer);
	struct frame frame;
	uint32_t sent = 0;

	peer.duplex.handler_ops->data(&peer.duplex, (struct slice){ bytes, 100000 }, 0);
	ck_assert_str_eq(fake_peer_trace(&peer), "");
	/* What is being delivered goes out whole. */
	peer.duplex.handler_ops->data(&peer.duplex, (struct slice){ bytes, 200000 }, 0);
	ck_assert_str_eq(fake_peer_trace(&peer), "pause ");
	turn();
	while (hear(&fake, &frame)) {
		sent += frame.header.size;
	}
	ck_assert_uint_gt(sent, 300000);
	pack_window(id, sent - FRAME_DUPLEX_WINDOW);
	flush(&fake);
	ck_assert_str_eq(fake_peer_trace(&peer), "");
	pack_window(id, 1);
	flush(&fake);
	ck_assert_str_eq(fake_peer_trace(&peer), "resume ");
	settle_end(&peer, id);
}
END_TEST

START_TEST(what_the_peer_took_may_be_sent_again)
{
	uint64_t id = open_stream(&peer);

	peer.hold = true;
	peer.mute = true;
	say_now(FRAME_MESSAGE, 0, 0, id, (struct slice){ bytes, 60000 });
	hear_nothing();
	say_now(FRAME_MESSAGE, 0, 0, id, (struct slice){ bytes, 60000 });
	/* More waits for the peer than is worth a window. */
	hear_nothing();
	fake_peer_drain(&peer);
	turn();
	ck_assert_uint_eq(hear_window(id), 2 * (60000 + sizeof(struct frame_header)));
	peer.hold = false;
	say_now(FRAME_MESSAGE, 0, 0, id, (struct slice){ bytes, FRAME_DATA_MAX });
	ck_assert_uint_eq(hear_window(id), FRAME_DATA_MAX + sizeof(struct frame_header));
	settle_end(&peer, id);
}
END_TEST

/* Granted as well, it and the next window would be more than the peer's queue takes. */
START_TEST(what_still_waits_for_the_peer_is_not_granted)
{
	uint64_t id = open_stream(&peer);
	uint32_t frame_size = FRAME_DATA_MAX + sizeof(struct frame_header);

	peer.hold = true;
	peer.mute = true;
	for (int i = 0; i < 3; i++) {
		say_now(FRAME_MESSAGE, 0, 0, id, (struct slice){ bytes, FRAME_DATA_MAX });
	}
	peer.waiting = 50000;
	peer.duplex.handler_ops->drain(&peer.duplex);
	turn();
	ck_assert_uint_eq(hear_window(id), 3 * frame_size - 50000);
	peer.waiting = 0;
	peer.hold = false;
	say_now(FRAME_MESSAGE, 0, 0, id, (struct slice){ bytes, FRAME_DATA_MAX });
	ck_assert_uint_eq(hear_window(id), frame_size + 50000);
	settle_end(&peer, id);
}
END_TEST

START_TEST(a_host_that_sends_more_than_it_may_is_ended)
{
	uint64_t id = open_stream(&peer);

	peer.mute = true;
	peer.waiting = DUPLEX_DRAIN_BYTES + 1;
	for (int i = 0; i < 3; i++) {
		say_now(FRAME_MESSAGE, 0, 0, id, (struct slice){ bytes, FRAME_DATA_MAX });
	}
	ck_assert_int_eq(fake.lost, 0);
	say_now(FRAME_MESSAGE, 0, 0, id, (struct slice){ bytes, FRAME_DATA_MAX });
	ck_assert_int_eq(fake.lost, 1);
}
END_TEST

START_TEST(empty_messages_use_up_the_window_too)
{
	uint64_t id = open_websocket();
	size_t most = FRAME_DUPLEX_WINDOW / sizeof(struct frame_header);

	peer.mute = true;
	peer.waiting = DUPLEX_DRAIN_BYTES + 1;
	for (size_t i = 0; i < most; i++) {
		say(&fake, FRAME_MESSAGE, DUPLEX_TEXT, 0, id, SLICE(""));
	}
	flush(&fake);
	ck_assert_int_eq(fake.lost, 0);
	say_now(FRAME_MESSAGE, DUPLEX_TEXT, 0, id, SLICE(""));
	ck_assert_int_eq(fake.lost, 1);
}
END_TEST

struct nonsense {
	const char *name;
	enum frame_type type;
	uint8_t flags;
	uint16_t code;
	struct slice payload;
};

static const struct nonsense nonsense[] = {
	{ "connected twice", FRAME_CONNECTED, 0, 0, { "\0\0\0\0", 4 } },
	{ "refused after all", FRAME_REFUSED, 0, 403, { "\0\0\0\0", 4 } },
	{ "a message without a type", FRAME_MESSAGE, 0, 0, { "x", 1 } },
	{ "a message of two types", FRAME_MESSAGE, 3, 0, { "x", 1 } },
	{ "a stream's flag", FRAME_MESSAGE, 9, 0, { "x", 1 } },
	{ "a flag that is none", FRAME_MESSAGE, 17, 0, { "x", 1 } },
	{ "text that is none", FRAME_MESSAGE, 1, 0, { "\xff", 1 } },
	{ "a long message", FRAME_MESSAGE, 2, 0, { bytes, FRAME_DATA_MAX + 1 } },
	{ "a code that is none", FRAME_CLOSE, 0, 1006, { "", 0 } },
	{ "a reason that is none", FRAME_CLOSE, 0, 1000, { "\xff", 1 } },
	{ "a long reason", FRAME_CLOSE, 0, 1000, { bytes, 124 } },
	{ "more window than there is", FRAME_WINDOW_MORE, 0, 0, { "\1\0\0\0", 4 } },
	{ "a window of no size", FRAME_WINDOW_MORE, 0, 0, { "\1\0\0", 3 } },
	{ "an end that nobody asked for", FRAME_DISCONNECTED, 0, 0, { "", 0 } },
	{ "a call's frame", FRAME_START, 0, 200, { "", 0 } },
	{ "a frame of ours", FRAME_CONNECT, 0, 0, { "", 0 } },
};

#define NONSENSE (sizeof(nonsense) / sizeof(nonsense[0]))

START_TEST(nonsense_about_a_websocket_ends_the_host)
{
	const struct nonsense *one = &nonsense[_i];
	uint64_t id = open_websocket();

	memset(bytes, 'x', sizeof(bytes));
	say_now(one->type, one->flags, one->code, id, one->payload);
	ck_assert_msg(fake.lost == 1, "%s", one->name);
	die(&fake);
	ck_assert_str_eq(fake_peer_trace(&peer), "close(1011,) ");
	check_works(&other);
}
END_TEST

START_TEST(nonsense_before_the_answer_ends_the_host)
{
	static const struct nonsense early[] = {
		{ "a status of success", FRAME_REFUSED, 0, 200, { "\0\0\0\0", 4 } },
		{ "no status", FRAME_REFUSED, 0, 0, { "\0\0\0\0", 4 } },
		{ "fields that are none", FRAME_CONNECTED, 0, 0, { "\1\0\0\0", 4 } },
		{ "half a frame", FRAME_REFUSED, 0, 403, { "\0", 1 } },
		{ "more than fields", FRAME_CONNECTED, 0, 0, { "\0\0\0\0\0", 5 } },
	};

	for (size_t i = 0; i < sizeof(early) / sizeof(early[0]); i++) {
		make_websocket(TIMEOUT_MS);
		say_now(early[i].type, early[i].flags, early[i].code, hear_connect(),
		    early[i].payload);
		ck_assert_msg(fake.lost == (int)i + 1, "%s", early[i].name);
		remote_break(fake.remote, 7);
		die(&fake);
		ck_assert_int_eq(peer.opened, 1);
		rig_end(&call);
		attach(&fake);
	}
}
END_TEST

START_TEST(an_answer_about_a_stream_has_no_fields)
{
	make_stream(&peer, TIMEOUT_MS);
	say_now(FRAME_CONNECTED, 0, 0, hear_connect(), SLICE("\0\0\0\0\0"));
	ck_assert_int_eq(fake.lost, 1);
	remote_break(fake.remote, 7);
	die(&fake);
	ck_assert_int_eq(peer.opened, 1);
}
END_TEST

START_TEST(nothing_comes_behind_a_close)
{
	static const struct nonsense behind[] = {
		{ "a message", FRAME_MESSAGE, DUPLEX_TEXT, 0, { "x", 1 } },
		{ "another close", FRAME_CLOSE, 0, 1000, { "", 0 } },
	};
	uint64_t id = open_websocket();

	say(&fake, FRAME_CLOSE, 0, 1000, id, SLICE(""));
	say_now(behind[_i].type, behind[_i].flags, behind[_i].code, id,
	    behind[_i].payload);
	ck_assert_msg(fake.lost == 1, "%s", behind[_i].name);
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

START_TEST(a_death_closes_what_was_open)
{
	struct fake_peer second;
	uint64_t id = open_stream(&peer);

	open_stream(&second);
	atomic_store(&fake.page->running, id);
	die(&fake);
	ck_assert_str_eq(fake_peer_trace(&peer), "close(1011,) ");
	ck_assert_str_eq(fake_peer_trace(&second), "close(1011,) ");
	ck_assert_ptr_null(peer.duplex.handler_ops);
	attach(&fake);
	check_works(&fake);
}
END_TEST

START_TEST(one_that_was_not_begun_waits_for_the_next_host)
{
	struct fake_peer second;
	uint64_t id;

	make_stream(&peer, TIMEOUT_MS);
	make_stream(&second, TIMEOUT_MS);
	atomic_store(&fake.page->running, hear_connect());
	die(&fake);
	ck_assert_int_eq(peer.status, 502);
	ck_assert_int_eq(second.opened, 0);
	attach(&fake);
	id = hear_connect();
	say_now(FRAME_CONNECTED, 0, 0, id, NO_FIELDS);
	ck_assert_int_eq(second.opened, 1);
	settle_end(&second, id);
}
END_TEST

START_TEST(one_that_was_greeted_is_not_begun_again)
{
	make_stream(&peer, TIMEOUT_MS);
	say_now(FRAME_MESSAGE, 0, 0, hear_connect(), SLICE("welcome"));
	die(&fake);
	ck_assert_int_eq(peer.status, 502);
}
END_TEST

START_TEST(one_that_kills_every_host_is_given_up)
{
	make_stream(&peer, TIMEOUT_MS);
	for (int i = 0; i < 3; i++) {
		die(&fake);
		ck_assert_int_eq(peer.opened, 0);
		attach(&fake);
	}
	die(&fake);
	ck_assert_int_eq(peer.status, 502);
}
END_TEST

START_TEST(an_answer_that_lay_in_the_page_counts)
{
	struct buffer answer;
	struct slice left;
	uint64_t id;

	make_stream(&peer, TIMEOUT_MS);
	id = hear_connect();
	buffer_init(&answer, 4096);
	ck_assert_int_eq(frame_append(&answer, FRAME_CONNECTED, 0, 0, id, NO_FIELDS), 0);
	ck_assert_int_eq(frame_append(&answer, FRAME_MESSAGE, 0, 0, id, SLICE("last")),
	    0);
	left = buffer_slice(&answer);
	memcpy(fake.page->out, left.data, left.size);
	atomic_store(&fake.page->out_size, (uint32_t)left.size);
	buffer_release(&answer);
	die(&fake);
	ck_assert_int_eq(peer.status, 0);
	ck_assert_str_eq(fake_peer_trace(&peer), ":last close(1011,) ");
}
END_TEST

START_TEST(data_that_comes_between_end_and_news_of_it_is_held_up)
{
	open_stream(&peer);
	close(fake.fd);
	fake.fd = -1;
	turn();
	fake_peer_say(&peer, "hello", 0);
	ck_assert_str_eq(fake_peer_trace(&peer), "pause ");
	remote_died(fake.remote, fake.pid);
	ck_assert_str_eq(fake_peer_trace(&peer), "resume close(1011,) ");
}
END_TEST

START_TEST(an_open_breaker_refuses)
{
	die(&fake);
	make_stream(&peer, TIMEOUT_MS);
	ck_assert_int_eq(peer.opened, 0);
	remote_break(fake.remote, 7);
	ck_assert_int_eq(peer.status, 503);
	make_websocket(TIMEOUT_MS);
	ck_assert_int_eq(peer.status, 503);
	ck_assert_str_eq(rig_header(&call, "retry-after"), "7");
	rig_end(&call);
}
END_TEST

START_TEST(an_instance_that_the_host_refused_is_not_there)
{
	say_now(FRAME_OPEN_END, 0, 0, fake.instance, SLICE(""));
	make_stream(&peer, TIMEOUT_MS);
	ck_assert_int_eq(peer.status, 503);
}
END_TEST

START_TEST(no_host_in_time_is_504)
{
	die(&fake);
	make_stream(&peer, LATE_MS);
	await(&peer.opened, &fake.killed);
	ck_assert_int_eq(peer.status, 504);
	ck_assert_uint_eq(fake.killed, 0);
}
END_TEST

START_TEST(an_on_connect_that_hangs_is_504_and_ends_the_host)
{
	static const int never;
	uint64_t id;

	make_websocket(LATE_MS);
	id = hear_connect();
	atomic_store(&fake.page->running_since_ms, (uint64_t)loop->now_ms);
	atomic_store(&fake.page->running, id);
	await(&peer.opened, &fake.killed);
	ck_assert_int_eq(peer.status, 504);
	rig_end(&call);
	await(&never, &fake.killed);
	ck_assert_uint_eq(fake.killed, fake.pid);
	die(&fake);
	attach(&fake);
	check_works(&fake);
}
END_TEST

START_TEST(an_on_data_that_hangs_ends_the_host)
{
	static const int never;
	uint64_t id;

	make_stream(&peer, LATE_MS);
	id = hear_connect();
	say_now(FRAME_CONNECTED, 0, 0, id, NO_FIELDS);
	fake_peer_say(&peer, "hang", 0);
	atomic_store(&fake.page->running_since_ms, (uint64_t)loop->now_ms);
	atomic_store(&fake.page->running, id);
	atomic_store(&fake.page->callback, PAGE_ON_DATA);
	await(&never, &fake.killed);
	ck_assert_uint_eq(fake.killed, fake.pid);
	die(&fake);
	ck_assert_str_eq(fake_peer_trace(&peer), "close(1011,) ");
}
END_TEST

START_TEST(an_end_that_is_not_confirmed_ends_the_host)
{
	static const int never;
	uint64_t id;

	make_stream(&peer, LATE_MS);
	id = hear_connect();
	say_now(FRAME_CONNECTED, 0, 0, id, NO_FIELDS);
	fake_peer_end(&peer, 1000);
	await(&never, &fake.killed);
	ck_assert_uint_eq(fake.killed, fake.pid);
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

START_TEST(a_host_that_does_not_read_holds_up_every_peer)
{
	struct fake_peer many[40];
	int held = 0;

	for (size_t i = 0; i < 40; i++) {
		open_stream(&many[i]);
	}
	for (size_t i = 0; i < 40; i++) {
		many[i].duplex.handler_ops->data(&many[i].duplex,
		    (struct slice){ bytes, 200000 }, 0);
		held += many[i].trace[0] == 'p';
	}
	ck_assert_int_gt(held, 10);
	turn();
	for (size_t rounds = 0; rounds < 20; rounds++) {
		while (recv(fake.fd, fake.in, sizeof(fake.in), 0) > 0) {
		}
		turn();
	}
	held = 0;
	for (size_t i = 0; i < 40; i++) {
		held += many[i].paused;
	}
	ck_assert_int_eq(held, 0);
	remote_free(fake.remote);
	for (size_t i = 0; i < 40; i++) {
		ck_assert_ptr_nonnull(strstr(many[i].trace, "close(1011,) "));
	}
	fake.remote = NULL;
}
END_TEST

START_TEST(there_is_a_most_of_them)
{
	struct fake_peer *many = calloc(FRAME_DUPLEXES + 1, sizeof(*many));

	ck_assert_ptr_nonnull(many);
	die(&fake);
	for (size_t i = 0; i <= FRAME_DUPLEXES; i++) {
		fake_peer_init(&many[i], DUPLEX_STREAM);
		remote_connect(fake.remote, fake.instance, &many[i].duplex, NULL,
		    TIMEOUT_MS);
		ck_assert_int_eq(many[i].opened, i == FRAME_DUPLEXES);
	}
	ck_assert_int_eq(many[FRAME_DUPLEXES].status, 503);
	fake_peer_end(&many[7], DUPLEX_CODE_LOST);
	many[FRAME_DUPLEXES].duplex.state = DUPLEX_OPENING;
	remote_connect(fake.remote, fake.instance, &many[FRAME_DUPLEXES].duplex, NULL,
	    TIMEOUT_MS);
	ck_assert_int_eq(many[FRAME_DUPLEXES].opened, 1);
	remote_break(fake.remote, 1);
	ck_assert_int_eq(many[0].status, 503);
	free(many);
}
END_TEST

static void add_talk(TCase *tcase)
{
	tcase_add_test(tcase, carries_a_stream_both_ways);
	tcase_add_test(tcase, carries_a_websocket_both_ways);
	tcase_add_test(tcase, what_a_handler_answers_comes_before_the_end);
	tcase_add_test(tcase, a_peer_that_has_closed_and_leaves_is_settled_once);
	tcase_add_test(tcase, fields_of_the_answer_come_along);
	tcase_add_test(tcase, a_status_refuses_and_is_the_last_word);
	tcase_add_test(tcase, a_reply_refuses_in_the_handlers_words);
	tcase_add_test(tcase, a_greeting_comes_before_the_answer);
	tcase_add_test(tcase, a_peer_that_leaves_before_the_answer_is_settled_too);
	tcase_add_test(tcase, a_long_message_goes_in_parts);
	tcase_add_test(tcase, its_instance_may_be_shut_before_it_ends);
	tcase_add_test(tcase, a_line_of_the_plugin_has_the_request_it_is_about);
}

static void add_bounds(TCase *tcase)
{
	tcase_add_test(tcase, a_peer_is_held_up_while_the_host_takes_no_more);
	tcase_add_test(tcase, what_the_peer_took_may_be_sent_again);
	tcase_add_test(tcase, what_still_waits_for_the_peer_is_not_granted);
	tcase_add_test(tcase, a_host_that_sends_more_than_it_may_is_ended);
	tcase_add_test(tcase, empty_messages_use_up_the_window_too);
	tcase_add_test(tcase, a_host_that_does_not_read_holds_up_every_peer);
	tcase_add_test(tcase, there_is_a_most_of_them);
	tcase_add_loop_test(tcase, nonsense_about_a_websocket_ends_the_host, 0, NONSENSE);
	tcase_add_test(tcase, nonsense_before_the_answer_ends_the_host);
	tcase_add_test(tcase, an_answer_about_a_stream_has_no_fields);
	tcase_add_loop_test(tcase, nothing_comes_behind_a_close, 0, 2);
	tcase_add_test(tcase, what_is_sent_to_one_that_closes_is_dropped);
}

static void add_deaths(TCase *tcase)
{
	tcase_add_test(tcase, a_death_closes_what_was_open);
	tcase_add_test(tcase, one_that_was_not_begun_waits_for_the_next_host);
	tcase_add_test(tcase, one_that_was_greeted_is_not_begun_again);
	tcase_add_test(tcase, one_that_kills_every_host_is_given_up);
	tcase_add_test(tcase, an_answer_that_lay_in_the_page_counts);
	tcase_add_test(tcase, data_that_comes_between_end_and_news_of_it_is_held_up);
	tcase_add_test(tcase, an_open_breaker_refuses);
	tcase_add_test(tcase, an_instance_that_the_host_refused_is_not_there);
	tcase_add_test(tcase, no_host_in_time_is_504);
	tcase_add_test(tcase, an_on_connect_that_hangs_is_504_and_ends_the_host);
	tcase_add_test(tcase, an_on_data_that_hangs_ends_the_host);
	tcase_add_test(tcase, an_end_that_is_not_confirmed_ends_the_host);
}

int main(void)
{
	Suite *suite = suite_create("tunnel");
	TCase *tcase = tcase_create("tunnel");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	add_talk(tcase);
	add_bounds(tcase);
	add_deaths(tcase);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
