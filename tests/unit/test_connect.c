/* SPDX-License-Identifier: MIT */
/* A handler's WebSockets and streams, with the peer played by the test. */
#include "plugin/instance.h"

#include "fake_peer.h"
#include "instance_rig.h"

static struct fake_peer peer;

static void connect_stream(const char *name)
{
	open_instance(name);
	fake_peer_init(&peer, DUPLEX_STREAM);
	instance_connect(instance, &peer.duplex, NULL);
	ck_assert_int_eq(peer.opened, 1);
}

static void connect_websocket(const char *path, const char *query)
{
	open_instance("puppet");
	fake_peer_init(&peer, DUPLEX_WEBSOCKET);
	rig_begin(&request, HTTP_GET, path);
	request.exchange.request.query = slice_of(query);
	instance_connect(instance, &peer.duplex, &request.exchange);
	ck_assert_int_eq(peer.opened, 1);
}

static void expect_refusal(const char *path, int status, const char *log)
{
	connect_websocket(path, "");
	ck_assert_int_eq(peer.status, status);
	ck_assert_ptr_null(peer.duplex.handler_ops);
	ck_assert_str_eq(rig_log.text, log);
}

static void greet(const char *greeting)
{
	settings_add(&settings, "", SETTING_OBJECT, "{}", "{}", "here");
	settings_add(&settings, "greeting", SETTING_STRING, greeting, greeting, "here");
}

#define CONNECTED "2 puppet 00000000deadbeef: connect 1\n"

START_TEST(a_handler_takes_a_websocket)
{
	connect_websocket("/", "");
	ck_assert_int_eq(peer.status, 0);
	ck_assert_int_eq(request.exchange.state, EXCHANGE_OPEN);
	fake_peer_say(&peer, "hello", TC_TEXT);
	ck_assert_str_eq(fake_peer_trace(&peer), "T:hello ");
	fake_peer_end(&peer, 1005);
	ck_assert_str_eq(rig_log.text,
	    CONNECTED "2 puppet 00000000deadbeef: end 1005 after 1, -2\n");
}
END_TEST

START_TEST(a_handler_takes_a_stream_up_to_its_end)
{
	connect_stream("puppet");
	ck_assert_int_eq(peer.status, 0);
	fake_peer_say(&peer, "hello", 0);
	fake_peer_say(&peer, "", TC_END);
	ck_assert_str_eq(fake_peer_trace(&peer), ":hello close(1000,) ");
	fake_peer_end(&peer, 0);
	ck_assert_str_eq(rig_log.text,
	    "2 puppet 00000000deadbeef: connect 2\n"
	    "2 puppet 00000000deadbeef: end of input\n"
	    "2 puppet 00000000deadbeef: end 0 after 2, -2\n");
}
END_TEST

START_TEST(a_handler_may_speak_first)
{
	greet("welcome");
	connect_websocket("/", "");
	ck_assert_str_eq(fake_peer_trace(&peer), "T:welcome ");
}
END_TEST

START_TEST(a_handler_may_close_at_once)
{
	connect_websocket("/bye", "");
	ck_assert_int_eq(peer.status, 0);
	ck_assert_str_eq(fake_peer_trace(&peer), "T:bye close(1000,) ");
}
END_TEST

START_TEST(fields_of_the_answer_are_kept)
{
	connect_websocket("/choose", "");
	ck_assert_int_eq(peer.status, 0);
	ck_assert_str_eq(rig_header(&request, "sec-websocket-protocol"), "two");
}
END_TEST

START_TEST(a_status_refuses)
{
	expect_refusal("/refuse", 403, CONNECTED);
	ck_assert_str_eq(rig_header(&request, "x-why"), "because");
	ck_assert_str_eq(rig_body(&request), "403 Forbidden\n");
}
END_TEST

START_TEST(a_reply_refuses_with_its_own_status)
{
	expect_refusal("/own", 401, CONNECTED);
	ck_assert_int_eq(request.exchange.reply.status, 401);
	ck_assert_str_eq(rig_body(&request), "not you\n");
}
END_TEST

START_TEST(a_reply_cannot_look_like_success)
{
	expect_refusal("/wrong", 403, CONNECTED);
}
END_TEST

START_TEST(half_a_reply_is_500)
{
	expect_refusal("/half", 500,
	    CONNECTED "4 puppet 00000000deadbeef: "
	    "on_connect began a reply without tc.end\n");
}
END_TEST

static void expect_status(const char *result, int status)
{
	connect_websocket("/number", result);
	ck_assert_int_eq(peer.status, status);
	ck_assert_int_eq(request.exchange.state,
	    status == 500 ? EXCHANGE_OPEN : EXCHANGE_ENDED);
	rig_end(&request);
	instance_close(instance);
	instance = NULL;
}

START_TEST(only_a_status_that_refuses_is_one)
{
	expect_status("300", 300);
	expect_status("599", 599);
	ck_assert_ptr_null(strstr(rig_log.text, "returned"));
	expect_status("1", 500);
	expect_status("101", 500);
	expect_status("200", 500);
	expect_status("600", 500);
	expect_status("-3", 500);
	ck_assert_ptr_nonnull(strstr(rig_log.text,
	    "4 puppet 00000000deadbeef: on_connect returned TC_FAIL (-3)\n"));
}
END_TEST

START_TEST(a_handler_without_on_connect_refuses)
{
	connect_stream("greeter");
	ck_assert_int_eq(peer.status, 501);
}
END_TEST

START_TEST(a_handler_without_the_rest_lets_data_pass)
{
	connect_stream("silent");
	ck_assert_int_eq(peer.status, 0);
	fake_peer_say(&peer, "hello", 0);
	fake_peer_drain(&peer);
	fake_peer_end(&peer, 0);
	ck_assert_str_eq(fake_peer_trace(&peer), "");
}
END_TEST

START_TEST(a_handler_without_on_request_has_no_page)
{
	open_instance("silent");
	rig_begin(&request, HTTP_GET, "/");
	instance_request(instance, &request.exchange);
	ck_assert_int_eq(request.exchange.state, EXCHANGE_ENDED);
	ck_assert_int_eq(request.exchange.reply.status, 404);
}
END_TEST

START_TEST(a_negative_result_closes)
{
	connect_websocket("/", "");
	fake_peer_say(&peer, "result 7", TC_TEXT);
	ck_assert_str_eq(fake_peer_trace(&peer), "");
	fake_peer_say(&peer, "result -5", TC_TEXT);
	ck_assert_str_eq(fake_peer_trace(&peer), "close(1011,) ");
	ck_assert_str_eq(rig_log.text,
	    CONNECTED "4 puppet 00000000deadbeef: on_data returned TC_LIMIT (-5)\n");
}
END_TEST

START_TEST(on_send_comes_only_after_a_refused_send)
{
	connect_websocket("/", "");
	fake_peer_drain(&peer);
	ck_assert_str_eq(rig_log.text, CONNECTED);
	peer.hold = true;
	peer.mute = true;
	fake_peer_say(&peer, "fill 100000", TC_TEXT);
	fake_peer_trace(&peer);
	fake_peer_say(&peer, "pause", TC_TEXT);
	ck_assert_str_eq(fake_peer_trace(&peer), "pause ");
	fake_peer_drain(&peer);
	ck_assert_str_eq(fake_peer_trace(&peer), "resume ");
	fake_peer_drain(&peer);
	ck_assert_str_eq(fake_peer_trace(&peer), "");
	ck_assert_str_eq(rig_log.text,
	    CONNECTED "2 puppet 00000000deadbeef: filled 3\n"
	    "2 puppet 00000000deadbeef: send again\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("connect");
	TCase *tcase = tcase_create("connect");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_handler_takes_a_websocket);
	tcase_add_test(tcase, a_handler_takes_a_stream_up_to_its_end);
	tcase_add_test(tcase, a_handler_may_speak_first);
	tcase_add_test(tcase, a_handler_may_close_at_once);
	tcase_add_test(tcase, fields_of_the_answer_are_kept);
	tcase_add_test(tcase, a_status_refuses);
	tcase_add_test(tcase, a_reply_refuses_with_its_own_status);
	tcase_add_test(tcase, a_reply_cannot_look_like_success);
	tcase_add_test(tcase, half_a_reply_is_500);
	tcase_add_test(tcase, only_a_status_that_refuses_is_one);
	tcase_add_test(tcase, a_handler_without_on_connect_refuses);
	tcase_add_test(tcase, a_handler_without_the_rest_lets_data_pass);
	tcase_add_test(tcase, a_handler_without_on_request_has_no_page);
	tcase_add_test(tcase, a_negative_result_closes);
	tcase_add_test(tcase, on_send_comes_only_after_a_refused_send);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
