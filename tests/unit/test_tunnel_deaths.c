/* SPDX-License-Identifier: MIT */
/* Duplexes whose host dies, is not there, refuses, or does not come back in time. */
#include "tunnel_rig.h"
#include "unit.h"

#define LATE_MS 60

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
	uint64_t id = open_stream_within(&peer, LATE_MS);

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

	(void)open_stream_within(&peer, LATE_MS);
	fake_peer_end(&peer, 1000);
	await(&never, &fake.killed);
	ck_assert_uint_eq(fake.killed, fake.pid);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tunnel_deaths");
	TCase *tests = tcase_create("tunnel_deaths");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, a_death_closes_what_was_open);
	tcase_add_test(tests, one_that_was_not_begun_waits_for_the_next_host);
	tcase_add_test(tests, one_that_was_greeted_is_not_begun_again);
	tcase_add_test(tests, one_that_kills_every_host_is_given_up);
	tcase_add_test(tests, an_answer_that_lay_in_the_page_counts);
	tcase_add_test(tests, data_that_comes_between_end_and_news_of_it_is_held_up);
	tcase_add_test(tests, an_open_breaker_refuses);
	tcase_add_test(tests, an_instance_that_the_host_refused_is_not_there);
	tcase_add_test(tests, no_host_in_time_is_504);
	tcase_add_test(tests, an_on_connect_that_hangs_is_504_and_ends_the_host);
	tcase_add_test(tests, an_on_data_that_hangs_ends_the_host);
	tcase_add_test(tests, an_end_that_is_not_confirmed_ends_the_host);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
