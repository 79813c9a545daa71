/* SPDX-License-Identifier: MIT */
/* A worker's view of a plugin that runs in a host: calls, and what the host may say. */
#include "remote/remote.h"

#include "fake_host.h"
#include "unit.h"

START_TEST(brings_back_a_whole_reply)
{
	uint64_t id = begin(&fake, &call);

	pack_reply(&fake, id, "hello");
	flush(&fake);
	check_status(&call, 200);
	ck_assert_str_eq(rig_body(&call), "hello");
	ck_assert_str_eq(rig_header(&call, "content-type"), "text/plain");
	rig_end(&call);
}
END_TEST

START_TEST(brings_back_a_reply_in_parts)
{
	uint64_t id = begin(&fake, &call);
	int fd = make_file("0123456789");

	pack_start(&fake, id, "12");
	say(&fake, FRAME_DATA, 0, 0, id, SLICE("hello"));
	flush(&fake);
	ck_assert_int_eq(call.exchange.state, EXCHANGE_STARTED);
	send_file(&fake, id, fd, 2, 4);
	close(fd);
	say(&fake, FRAME_DATA, 0, 0, id, SLICE("you"));
	pack_end(&fake, id);
	flush(&fake);
	check_status(&call, 200);
	ck_assert_str_eq(rig_body(&call), "hello2345you");
	rig_end(&call);
}
END_TEST

START_TEST(a_frame_may_come_in_single_bytes)
{
	uint64_t id = begin(&fake, &call);

	pack_reply(&fake, id, "hello");
	for (struct slice rest = buffer_slice(&fake.out); rest.size > 0;
	     slice_skip(&rest, 1)) {
		ck_assert_int_eq(call.exchange.state, EXCHANGE_OPEN);
		send_bytes(&fake, rest.data, 1, -1);
		turn();
	}
	check_status(&call, 200);
	rig_end(&call);
}
END_TEST

START_TEST(what_the_client_took_may_be_sent_again)
{
	uint64_t id = begin(&fake, &call);
	struct frame frame;
	uint32_t more;

	pack_start(&fake, id, "10");
	say(&fake, FRAME_DATA, 0, 0, id, SLICE("hello"));
	flush(&fake);
	ck_assert(!hear(&fake, &frame));
	rig_take(&call);
	turn();
	ck_assert(hear(&fake, &frame));
	ck_assert_int_eq(frame.header.type, FRAME_WINDOW_MORE);
	ck_assert_uint_eq(frame.header.id, id);
	ck_assert_uint_eq(frame.payload.size, sizeof(more));
	memcpy(&more, frame.payload.data, sizeof(more));
	ck_assert_uint_eq(more, 5);
	rig_end(&call);
}
END_TEST

START_TEST(a_stream_of_many_pieces_goes_on)
{
	enum { ROUNDS = 200, PIECES = 200 };
	uint64_t id = begin(&fake, &call);

	pack_start(&fake, id, "40000");
	for (int i = 0; i < ROUNDS; i++) {
		for (int k = 0; k < PIECES; k++) {
			say(&fake, FRAME_DATA, 0, 0, id, SLICE("x"));
		}
		flush(&fake);
		ck_assert_int_eq(fake.lost, 0);
		rig_take(&call);
	}
	pack_end(&fake, id);
	flush(&fake);
	check_status(&call, 200);
	ck_assert_uint_eq(call.size, ROUNDS * PIECES);
	rig_end(&call);
}
END_TEST

/* Each within the window, but a client that takes none of them has no memory for all. */
START_TEST(too_many_small_pieces_cost_their_reply_and_not_the_host)
{
	uint64_t id = begin(&fake, &call);

	pack_start(&fake, id, "40000");
	for (int i = 0; i < 100; i++) {
		for (int k = 0; k < 200; k++) {
			say(&fake, FRAME_DATA, 0, 0, id, SLICE("x"));
		}
		flush(&fake);
		ck_assert_int_eq(fake.lost, 0);
	}
	ck_assert_int_eq(call.exchange.state, EXCHANGE_BROKEN);
	turn();
	/* The window of the piece that was refused. */
	ck_assert_uint_eq(expect(&fake, FRAME_WINDOW_MORE), id);
	ck_assert_uint_eq(expect(&fake, FRAME_CANCEL), id);
	pack_end(&fake, id);
	flush(&fake);
	rig_end(&call);
	check_works(&fake);
}
END_TEST

START_TEST(a_line_of_the_plugin_has_the_request_it_is_about)
{
	uint64_t id = begin(&fake, &call);

	say(&fake, FRAME_LOG, 0, 3, id, SLICE("so"));
	flush(&fake);
	ck_assert_str_eq(fake.said, "3 bad 00000000deadbeef: so");
	say(&fake, FRAME_LOG, 0, 1, 77, SLICE(""));
	flush(&fake);
	ck_assert_str_eq(fake.said, "1 bad -: ");
	rig_end(&call);
}
END_TEST

START_TEST(its_owner_is_told_what_the_host_says_of_itself)
{
	static const enum frame_type types[] = { FRAME_HELLO, FRAME_PROBLEM, FRAME_OPENED,
		FRAME_OPEN_END };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		say(&fake, types[i], 0, 0, fake.instance, SLICE(""));
		flush(&fake);
		ck_assert_int_eq(fake.told, types[i]);
		ck_assert_int_eq(fake.lost, 0);
	}
	/* What makes no sense to the owner ends the host. */
	say(&fake, FRAME_HELLO, 0, 77, 0, SLICE(""));
	flush(&fake);
	ck_assert_int_eq(fake.lost, 1);
}
END_TEST

START_TEST(a_host_is_told_to_stop)
{
	(void)begin(&fake, &call);
	remote_stop(fake.remote);
	turn();
	ck_assert_uint_eq(expect(&fake, FRAME_STOP), 0);
	ck_assert_int_eq(call.exchange.state, EXCHANGE_OPEN);
	rig_end(&call);
}
END_TEST

START_TEST(who_leaves_is_cancelled_and_the_reply_dropped)
{
	uint64_t id = begin(&fake, &call);

	exchange_reset(&call.exchange);
	turn();
	ck_assert_uint_eq(expect(&fake, FRAME_CANCEL), id);
	/* It may have been on its way. */
	pack_start(&fake, id, "5");
	say(&fake, FRAME_DATA, 0, 0, id, SLICE("hello"));
	pack_end(&fake, id);
	flush(&fake);
	ck_assert_int_eq(fake.lost, 0);
	rig_end(&call);
	check_works(&fake);
}
END_TEST

START_TEST(a_full_queue_refuses)
{
	enum { CALLS = 1024 };
	struct rig_exchange *calls = calloc(CALLS + 1, sizeof(*calls));

	ck_assert_ptr_nonnull(calls);
	die(&fake);
	for (int i = 0; i <= CALLS; i++) {
		make_call(&fake, &calls[i], TIMEOUT_MS);
	}
	ck_assert_int_eq(calls[CALLS - 1].exchange.state, EXCHANGE_OPEN);
	check_status(&calls[CALLS], 503);
	for (int i = 0; i <= CALLS; i++) {
		rig_end(&calls[i]);
	}
	free(calls);
	attach(&fake);
	check_works(&fake);
}
END_TEST

START_TEST(a_handler_that_is_late_gets_its_call_a_504)
{
	const uint32_t nobody = 0;
	uint64_t id;

	make_call(&fake, &call, 20);
	expect(&fake, FRAME_OPEN);
	id = expect(&fake, FRAME_REQUEST);
	atomic_store(&fake.page->running, id);
	await(&call.wakes, &nobody);
	check_status(&call, 504);
	ck_assert_uint_eq(fake.killed, 0);
	turn();
	ck_assert_uint_eq(expect(&fake, FRAME_CANCEL), id);
	/* It comes back in the end: the answer comes too late, and that is all. */
	pack_reply(&fake, id, "hello");
	flush(&fake);
	ck_assert_int_eq(fake.lost, 0);
	rig_end(&call);
	check_works(&fake);
}
END_TEST

START_TEST(a_handler_that_never_comes_back_is_killed)
{
	const int never = 0;
	uint64_t id;

	make_call(&fake, &call, 20);
	expect(&fake, FRAME_OPEN);
	id = expect(&fake, FRAME_REQUEST);
	atomic_store(&fake.page->running, id);
	await(&never, &fake.killed);
	ck_assert_uint_eq(fake.killed, fake.pid);
	check_status(&call, 504);
	rig_end(&call);
}
END_TEST

START_TEST(its_end_leaves_no_call_open)
{
	struct rig_exchange second;
	uint64_t id = begin(&other, &call);

	make_call(&other, &second, TIMEOUT_MS);
	pack_start(&other, id, "5");
	flush(&other);
	remote_free(other.remote);
	other.remote = NULL;
	loop_run_deferred(loop);
	ck_assert_int_eq(call.exchange.state, EXCHANGE_BROKEN);
	check_status(&second, 503);
	rig_end(&call);
	rig_end(&second);
}
END_TEST

START_TEST(is_idle_when_its_last_piece_is_with_the_client)
{
	uint64_t id = begin(&fake, &call);

	pack_start(&fake, id, "5");
	say(&fake, FRAME_DATA, 0, 0, id, SLICE("hello"));
	pack_end(&fake, id);
	flush(&fake);
	remote_shut(fake.remote, fake.instance);
	turn();
	expect(&fake, FRAME_SHUT);
	ck_assert_int_eq(fake.idle, 0);
	ck_assert_str_eq(rig_body(&call), "hello");
	ck_assert_int_eq(fake.idle, 1);
	rig_end(&call);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("remote");
	TCase *tests = tcase_create("calls");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, brings_back_a_whole_reply);
	tcase_add_test(tests, brings_back_a_reply_in_parts);
	tcase_add_test(tests, a_frame_may_come_in_single_bytes);
	tcase_add_test(tests, what_the_client_took_may_be_sent_again);
	tcase_add_test(tests, a_stream_of_many_pieces_goes_on);
	tcase_add_test(tests, too_many_small_pieces_cost_their_reply_and_not_the_host);
	tcase_add_test(tests, a_line_of_the_plugin_has_the_request_it_is_about);
	tcase_add_test(tests, its_owner_is_told_what_the_host_says_of_itself);
	tcase_add_test(tests, a_host_is_told_to_stop);
	tcase_add_test(tests, who_leaves_is_cancelled_and_the_reply_dropped);
	tcase_add_test(tests, a_full_queue_refuses);
	tcase_add_test(tests, a_handler_that_is_late_gets_its_call_a_504);
	tcase_add_test(tests, a_handler_that_never_comes_back_is_killed);
	tcase_add_test(tests, its_end_leaves_no_call_open);
	tcase_add_test(tests, is_idle_when_its_last_piece_is_with_the_client);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
