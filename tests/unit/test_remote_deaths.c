/* SPDX-License-Identifier: MIT */
/* What the death of a host costs the calls to its plugin, and what the next one gets. */
#include "fake_host.h"
#include "tincan/handler.h"
#include "unit.h"

START_TEST(calls_wait_for_the_first_host)
{
	die(&fake);
	make_call(&fake, &call, TIMEOUT_MS);
	ck_assert_int_eq(call.exchange.state, EXCHANGE_OPEN);
	check_next_answers(&fake, &call);
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
	check_next_answers(&fake, &second);
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

int main(void)
{
	Suite *suite = suite_create("remote_deaths");
	TCase *tests = tcase_create("deaths");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, calls_wait_for_the_first_host);
	tcase_add_test(tests, only_what_had_begun_is_lost_with_the_host);
	tcase_add_loop_test(tests, an_orphan_does_not_wait_to_be_told, 0, 2);
	tcase_add_test(tests, a_reply_that_was_not_sent_is_on_the_page);
	tcase_add_test(tests, a_reply_that_is_nowhere_is_not_asked_for_twice);
	tcase_add_test(tests, a_call_sees_so_many_deaths_and_no_more);
	tcase_add_test(tests, an_open_breaker_refuses_until_the_next_host);
	tcase_add_test(tests, an_instance_that_a_host_refuses_is_asked_of_the_next);
	tcase_add_test(tests, a_retired_instance_is_retired_in_the_next_host_too);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
