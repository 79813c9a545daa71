/* SPDX-License-Identifier: MIT */
/* Calls that a handler in a host answers later: how they end, and when a host is late. */
#include "fake_host.h"
#include "unit.h"

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
	check_next_answers(&fake, &queued);
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

int main(void)
{
	Suite *suite = suite_create("remote_later");
	TCase *tests = tcase_create("later");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, a_later_answer_is_a_reply_like_any);
	tcase_add_test(tests, a_death_loses_what_the_handler_had_begun);
	tcase_add_test(tests, a_beginning_that_was_not_heard_counts);
	tcase_add_test(tests, a_host_is_not_killed_for_an_answer_that_is_late);
	tcase_add_test(tests, a_host_that_stands_still_is_killed);
	tcase_add_test(tests, an_end_without_a_start_is_an_abort);
	tcase_add_test(tests, a_call_begins_once);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
