/* SPDX-License-Identifier: MIT */
/* A worker's view of a plugin that runs in a host: calls, and what a death costs. */
#include "remote/remote.h"

#include "fake_host.h"
#include "tincan/handler.h"
#include "remote/bus_frames.h"
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

START_TEST(calls_wait_for_the_first_host)
{
	die(&fake);
	make_call(&fake, &call, TIMEOUT_MS);
	ck_assert_int_eq(call.exchange.state, EXCHANGE_OPEN);
	attach(&fake);
	expect(&fake, FRAME_OPEN);
	pack_reply(&fake, expect(&fake, FRAME_REQUEST), "hello");
	flush(&fake);
	check_status(&call, 200);
	rig_end(&call);
}
END_TEST

START_TEST(only_what_had_begun_is_lost_with_the_host)
{
	struct rig_exchange second;
	uint64_t id = begin(&fake, &call);

	make_call(&fake, &second, TIMEOUT_MS);
	ck_assert_uint_ne(expect(&fake, FRAME_REQUEST), id);
	die(&fake);
	check_status(&call, 502);
	ck_assert_int_eq(second.exchange.state, EXCHANGE_OPEN);
	attach(&fake);
	expect(&fake, FRAME_OPEN);
	pack_reply(&fake, expect(&fake, FRAME_REQUEST), "hello");
	flush(&fake);
	check_status(&second, 200);
	rig_end(&call);
	rig_end(&second);
}
END_TEST

static void hang_up(void)
{
	close(fake.fd);
	fake.fd = -1;
	turn();
}

/* Before or after its host's socket ends: there will be nobody who tells of its death. */
START_TEST(an_orphan_does_not_wait_to_be_told)
{
	struct rig_exchange second;

	(void)begin(&fake, &call);
	make_call(&fake, &second, TIMEOUT_MS);
	if (_i == 0) {
		hang_up();
		ck_assert_int_eq(call.exchange.state, EXCHANGE_OPEN);
	}
	remote_break(fake.remote, 7);
	remote_orphan(fake.remote);
	if (_i == 1) {
		hang_up();
	}
	check_status(&call, 502);
	check_status(&second, 503);
	ck_assert_str_eq(rig_header(&second, "retry-after"), "7");
	ck_assert(remote_is_vacant(fake.remote));
	rig_end(&call);
	rig_end(&second);
}
END_TEST

START_TEST(a_reply_that_was_not_sent_is_on_the_page)
{
	uint64_t id = begin(&fake, &call);

	pack_reply(&fake, id, "hello");
	memcpy(fake.page->out, fake.out.data, fake.out.size);
	atomic_store(&fake.page->out_size, (uint32_t)fake.out.size);
	atomic_store(&fake.page->finished, 1);
	atomic_store(&fake.page->running, 0);
	/* Half of it had gone. */
	send_bytes(&fake, fake.out.data, fake.out.size / 2, -1);
	turn();
	die(&fake);
	check_status(&call, 200);
	ck_assert_str_eq(rig_body(&call), "hello");
	rig_end(&call);
}
END_TEST

START_TEST(a_reply_that_is_nowhere_is_not_asked_for_twice)
{
	(void)begin(&fake, &call);
	atomic_store(&fake.page->finished, 1);
	atomic_store(&fake.page->running, 0);
	die(&fake);
	check_status(&call, 502);
	rig_end(&call);
}
END_TEST

START_TEST(a_call_sees_so_many_deaths_and_no_more)
{
	make_call(&fake, &call, TIMEOUT_MS);
	for (int i = 0; i < 3; i++) {
		die(&fake);
		ck_assert_int_eq(call.exchange.state, EXCHANGE_OPEN);
		attach(&fake);
	}
	die(&fake);
	check_status(&call, 502);
	rig_end(&call);
}
END_TEST

START_TEST(an_open_breaker_refuses_until_the_next_host)
{
	struct rig_exchange second;

	die(&fake);
	make_call(&fake, &call, TIMEOUT_MS);
	remote_break(fake.remote, 30);
	check_status(&call, 503);
	ck_assert_str_eq(rig_header(&call, "retry-after"), "30");
	make_call(&fake, &second, TIMEOUT_MS);
	check_status(&second, 503);
	rig_end(&call);
	rig_end(&second);
	attach(&fake);
	check_works(&fake);
}
END_TEST

START_TEST(an_instance_that_a_host_refuses_is_asked_of_the_next)
{
	say(&fake, FRAME_OPEN_END, 0, 0, fake.instance, SLICE(""));
	say(&fake, FRAME_OPEN_END, 0, 0, UINT64_MAX, SLICE(""));
	flush(&fake);
	make_call(&fake, &call, TIMEOUT_MS);
	check_status(&call, 503);
	rig_end(&call);
	die(&fake);
	attach(&fake);
	say(&fake, FRAME_OPENED, 0, 0, fake.instance, SLICE(""));
	flush(&fake);
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

/* Calls that are answered later */

/* The host says that it has begun the call, and comes back. */
static uint64_t begin_later(struct rig_exchange *exchange, uint32_t timeout_ms)
{
	struct frame frame;

	make_call(&fake, exchange, timeout_ms);
	do {
		ck_assert(hear(&fake, &frame));
	} while (frame.header.type != FRAME_REQUEST);
	atomic_fetch_add(&fake.page->finished, 1);
	say(&fake, FRAME_LATER, 0, 0, frame.header.id, SLICE(""));
	flush(&fake);
	ck_assert_int_eq(fake.lost, 0);
	return frame.header.id;
}

START_TEST(a_later_answer_is_a_reply_like_any)
{
	uint64_t id = begin_later(&call, TIMEOUT_MS);

	ck_assert_int_eq(call.exchange.state, EXCHANGE_OPEN);
	check_works(&fake);
	pack_reply(&fake, id, "late");
	flush(&fake);
	check_status(&call, 200);
	rig_end(&call);
}
END_TEST

START_TEST(a_death_loses_what_the_handler_had_begun)
{
	struct rig_exchange started;
	struct rig_exchange queued;
	uint64_t id;

	begin_later(&call, TIMEOUT_MS);
	id = begin_later(&started, TIMEOUT_MS);
	pack_start(&fake, id, "5");
	flush(&fake);
	make_call(&fake, &queued, TIMEOUT_MS);
	die(&fake);
	check_status(&call, 502);
	ck_assert_int_eq(started.exchange.state, EXCHANGE_BROKEN);
	ck_assert_int_eq(queued.exchange.state, EXCHANGE_OPEN);
	attach(&fake);
	expect(&fake, FRAME_OPEN);
	pack_reply(&fake, expect(&fake, FRAME_REQUEST), "hello");
	flush(&fake);
	check_status(&queued, 200);
	rig_end(&call);
	rig_end(&started);
	rig_end(&queued);
}
END_TEST

/* What it had said of the first did not arrive: that one counts as begun. */
START_TEST(a_beginning_that_was_not_heard_counts)
{
	struct rig_exchange second;

	make_call(&fake, &call, TIMEOUT_MS);
	make_call(&fake, &second, TIMEOUT_MS);
	atomic_store(&fake.page->finished, 1);
	die(&fake);
	check_status(&call, 502);
	ck_assert_int_eq(second.exchange.state, EXCHANGE_OPEN);
	rig_end(&call);
	rig_end(&second);
}
END_TEST

/* Its loop turns, as it hears of the end. */
START_TEST(a_host_is_not_killed_for_an_answer_that_is_late)
{
	const uint32_t nobody = 0;
	const int never = 0;
	uint64_t id = begin_later(&call, 20);
	struct rig_exchange stuck;

	await(&call.wakes, &nobody);
	check_status(&call, 504);
	turn();
	ck_assert_uint_eq(expect(&fake, FRAME_CANCEL), id);
	atomic_fetch_add(&fake.page->tick, 1);
	/* The slot is its own until the host is done with it. */
	say(&fake, FRAME_END, FRAME_BROKEN, 0, id, SLICE(""));
	flush(&fake);
	ck_assert_int_eq(fake.lost, 0);
	rig_end(&call);
	/* In a callback that does not end it is. */
	begin_later(&stuck, 20);
	atomic_store(&fake.page->running_since_ms, (uint64_t)loop->now_ms - 1000);
	atomic_store(&fake.page->callback, PAGE_ON_TIMER);
	await(&never, &fake.killed);
	check_status(&stuck, 504);
	rig_end(&stuck);
}
END_TEST

/* A stream waits for nothing that could be late. */
START_TEST(a_host_that_stands_still_is_killed)
{
	const int never = 0;
	uint64_t id = begin_later(&call, TIMEOUT_MS);

	pack_start(&fake, id, "5");
	flush(&fake);
	atomic_store(&fake.page->running_since_ms, (uint64_t)loop->now_ms - TIMEOUT_MS);
	atomic_store(&fake.page->callback, PAGE_ON_DRAIN);
	await(&never, &fake.killed);
	ck_assert_uint_eq(fake.killed, fake.pid);
	ck_assert_int_eq(call.exchange.state, EXCHANGE_STARTED);
	rig_end(&call);
}
END_TEST

START_TEST(an_end_without_a_start_is_an_abort)
{
	uint64_t id = begin_later(&call, TIMEOUT_MS);

	say(&fake, FRAME_END, FRAME_BROKEN, 0, id, SLICE(""));
	flush(&fake);
	ck_assert_int_eq(call.exchange.state, EXCHANGE_BROKEN);
	ck_assert_int_eq(call.exchange.reply.status, 0);
	ck_assert_int_eq(fake.lost, 0);
	rig_end(&call);
	check_works(&fake);
}
END_TEST

START_TEST(a_call_begins_once)
{
	uint64_t id = begin_later(&call, TIMEOUT_MS);

	say(&fake, FRAME_LATER, 0, 0, id, SLICE(""));
	flush(&fake);
	ck_assert_int_eq(fake.lost, 1);
	die(&fake);
	check_status(&call, 502);
	rig_end(&call);
}
END_TEST

START_TEST(a_retired_instance_is_retired_in_the_next_host_too)
{
	expect(&fake, FRAME_OPEN);
	remote_retire(fake.remote, fake.instance, TC_RELOAD);
	remote_retire(fake.remote, fake.instance, TC_RELOAD);
	remote_retire(fake.remote, fake.instance, TC_SHUTDOWN);
	remote_retire(fake.remote, fake.instance, TC_RELOAD);
	turn();
	ck_assert_uint_eq(expect(&fake, FRAME_RETIRE), fake.instance);
	ck_assert_uint_eq(expect(&fake, FRAME_RETIRE), fake.instance);
	die(&fake);
	attach(&fake);
	expect(&fake, FRAME_OPEN);
	ck_assert_uint_eq(expect(&fake, FRAME_RETIRE), fake.instance);
}
END_TEST

static TCase *later_case(void)
{
	TCase *tcase = tcase_create("later");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_later_answer_is_a_reply_like_any);
	tcase_add_test(tcase, a_death_loses_what_the_handler_had_begun);
	tcase_add_test(tcase, a_beginning_that_was_not_heard_counts);
	tcase_add_test(tcase, a_host_is_not_killed_for_an_answer_that_is_late);
	tcase_add_test(tcase, a_host_that_stands_still_is_killed);
	tcase_add_test(tcase, an_end_without_a_start_is_an_abort);
	tcase_add_test(tcase, a_call_begins_once);
	tcase_add_test(tcase, a_retired_instance_is_retired_in_the_next_host_too);
	return tcase;
}

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

/* The bus */

static void say_publish(const char *topic, const char *data)
{
	ck_assert_int_eq(publish_pack(&fake.out, slice_of(topic), slice_of(data)), 0);
}

START_TEST(its_host_speaks_for_its_handler_alone)
{
	say(&fake, FRAME_SUBSCRIBE, 0, 0, 0, SLICE("room"));
	flush(&fake);
	ck_assert_str_eq(fake.bus, "+bad room");
	say_publish("room", "hello");
	flush(&fake);
	ck_assert_str_eq(fake.bus, "!bad room: hello");
	say(&fake, FRAME_UNSUBSCRIBE, 0, 0, 0, SLICE("room"));
	flush(&fake);
	ck_assert_str_eq(fake.bus, "-bad room");
	ck_assert_int_eq(fake.lost, 0);
}
END_TEST

START_TEST(a_topic_that_makes_no_sense_ends_its_host)
{
	say(&fake, FRAME_SUBSCRIBE, 0, 0, 0, SLICE("a\0b"));
	flush(&fake);
	ck_assert_str_eq(fake.bus, "");
	ck_assert_int_eq(fake.lost, 1);
}
END_TEST

START_TEST(a_host_that_dies_subscribes_no_more)
{
	die(&fake);
	ck_assert_int_eq(fake.silent, 1);
	ck_assert_int_eq(remote_event(fake.remote, SLICE("bad\0room"), SLICE("x"), 0),
	    ERR_CLOSED);
}
END_TEST

START_TEST(an_event_reaches_its_host)
{
	struct frame frame;
	struct slice topic;
	struct slice data;
	uint64_t lost;

	expect(&fake, FRAME_OPEN);
	ck_assert_int_eq(remote_event(fake.remote, SLICE("bad\0room"), SLICE("hello"),
	    5), 0);
	turn();
	ck_assert(hear(&fake, &frame));
	ck_assert_int_eq(event_unpack(&frame, &topic, &data, &lost), 0);
	ck_assert(slice_equal(topic, SLICE("room")));
	ck_assert(slice_equal(data, SLICE("hello")));
	ck_assert_uint_eq(lost, 5);
}
END_TEST

START_TEST(events_do_not_pile_up_before_a_slow_host)
{
	static char data[BUS_DATA_MAX];
	struct slice most = { data, sizeof(data) };
	int sent = 0;

	while (remote_event(fake.remote, SLICE("bad\0room"), most, 0) == 0) {
		ck_assert_int_lt(++sent, 100);
		turn();
	}
	ck_assert_int_eq(remote_event(fake.remote, SLICE("bad\0room"), most, 0),
	    ERR_LIMIT);
	ck_assert_int_ge(sent, 256 * 1024 / BUS_DATA_MAX);
}
END_TEST

static TCase *bus_case(void)
{
	TCase *bus = tcase_create("bus");

	tcase_add_checked_fixture(bus, set_up, tear_down);
	tcase_add_test(bus, its_host_speaks_for_its_handler_alone);
	tcase_add_test(bus, a_topic_that_makes_no_sense_ends_its_host);
	tcase_add_test(bus, a_host_that_dies_subscribes_no_more);
	tcase_add_test(bus, an_event_reaches_its_host);
	tcase_add_test(bus, events_do_not_pile_up_before_a_slow_host);
	return bus;
}

static TCase *deaths_case(void)
{
	TCase *deaths = tcase_create("deaths");

	tcase_add_checked_fixture(deaths, set_up, tear_down);
	tcase_add_test(deaths, calls_wait_for_the_first_host);
	tcase_add_test(deaths, only_what_had_begun_is_lost_with_the_host);
	tcase_add_loop_test(deaths, an_orphan_does_not_wait_to_be_told, 0, 2);
	tcase_add_test(deaths, a_reply_that_was_not_sent_is_on_the_page);
	tcase_add_test(deaths, a_reply_that_is_nowhere_is_not_asked_for_twice);
	tcase_add_test(deaths, a_call_sees_so_many_deaths_and_no_more);
	tcase_add_test(deaths, an_open_breaker_refuses_until_the_next_host);
	tcase_add_test(deaths, an_instance_that_a_host_refuses_is_asked_of_the_next);
	return deaths;
}

static Suite *suite(void)
{
	Suite *all = suite_create("remote");
	TCase *calls = tcase_create("calls");

	tcase_add_checked_fixture(calls, set_up, tear_down);
	tcase_set_timeout(calls, 60);
	tcase_add_test(calls, brings_back_a_whole_reply);
	tcase_add_test(calls, brings_back_a_reply_in_parts);
	tcase_add_test(calls, a_frame_may_come_in_single_bytes);
	tcase_add_test(calls, what_the_client_took_may_be_sent_again);
	tcase_add_test(calls, a_stream_of_many_pieces_goes_on);
	tcase_add_test(calls, too_many_small_pieces_cost_their_reply_and_not_the_host);
	tcase_add_test(calls, a_line_of_the_plugin_has_the_request_it_is_about);
	tcase_add_test(calls, its_owner_is_told_what_the_host_says_of_itself);
	tcase_add_test(calls, a_host_is_told_to_stop);
	tcase_add_test(calls, who_leaves_is_cancelled_and_the_reply_dropped);
	tcase_add_test(calls, a_full_queue_refuses);
	tcase_add_test(calls, a_handler_that_is_late_gets_its_call_a_504);
	tcase_add_test(calls, a_handler_that_never_comes_back_is_killed);
	tcase_add_test(calls, its_end_leaves_no_call_open);
	tcase_add_test(calls, is_idle_when_its_last_piece_is_with_the_client);
	suite_add_tcase(all, calls);
	suite_add_tcase(all, deaths_case());
	suite_add_tcase(all, later_case());
	suite_add_tcase(all, bus_case());
	return all;
}

int main(void)
{
	return unit_run(suite());
}
