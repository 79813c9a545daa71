/* SPDX-License-Identifier: MIT */
/* A filter of a host, before a request that somebody else answers. */
#include "remote_filter_rig.h"

/* In order */

/* A filter without an on_filter, before a request that has not been answered. */
static void ask_nothing(bool pieces)
{
	struct frame frame;

	end_call();
	memset(&call, 0, sizeof(call));
	rig_begin(&call, HTTP_GET, "/x");
	call.exchange.match.pattern = "/*";
	stage_init(&stage, &call.exchange, &stage_ops, NULL);
	stage.unasked = true;
	stage.pieces = pieces;
	remote_call(fake.remote, fake.instance, &call.exchange, TIMEOUT_MS);
	turn();
	do {
		ck_assert(hear(&fake, &frame));
	} while (frame.header.type != FRAME_FILTER);
	ck_assert_int_eq(frame.header.flags, FRAME_MORE);
	id = frame.header.id;
	settle();
	ck_assert_int_eq(stage.state, STAGE_BEHIND);
}

START_TEST(one_that_is_not_asked_is_not_waited_for)
{
	ask_nothing(false);
	answer("hello");
	expect(&fake, FRAME_START);
	pack_pass(0, 5, "x-pass");
	say_all();
	expect_whole("hello");
	ck_assert_str_eq(rig_header(&call, "x-pass"), "passed");
	ck_assert_int_eq(fake.lost, 0);
}
END_TEST

START_TEST(one_that_is_not_asked_may_have_the_body)
{
	ask_nothing(true);
	answer("hello");
	expect(&fake, FRAME_START);
	expect(&fake, FRAME_DATA);
	expect(&fake, FRAME_END);
	pack_pass(FRAME_MORE, 3, "x-pass");
	say(&fake, FRAME_DATA, 0, 0, id, SLICE("bye"));
	pack_end(&fake, id);
	say_all();
	expect_whole("bye");
}
END_TEST

START_TEST(a_host_may_refuse_what_it_is_not_asked)
{
	ask_nothing(true);
	if (_i == 1) {
		answer("hello");
	}
	pack_reply(&fake, id, "refused");
	say_all();
	expect_whole("refused");
	ck_assert_int_eq(fake.lost, 0);
}
END_TEST

START_TEST(the_end_of_one_that_is_not_asked_costs_the_request)
{
	ask_nothing(false);
	die(&fake);
	settle();
	check_status(&call, 502);
	attach(&fake);
	check_works(&fake);
}
END_TEST

START_TEST(next_of_one_that_is_not_asked_ends_its_host)
{
	ask_nothing(false);
	say_next(0);
	expect_lost();
}
END_TEST

START_TEST(one_that_wants_no_reply_is_not_shown_it)
{
	let_on(0);
	answer("hello");
	expect_whole("hello");
	ck_assert_str_eq(rig_header(&call, "x-next"), "1");
	end_call();
	turn();
	ck_assert_uint_eq(expect(&fake, FRAME_CANCEL), id);
}
END_TEST

START_TEST(one_that_wants_the_header_says_all_of_it)
{
	struct frame frame;

	let_on(FRAME_MORE);
	answer("hello");
	ck_assert(hear(&fake, &frame));
	ck_assert_int_eq(frame.header.type, FRAME_START);
	ck_assert_int_eq(frame.header.flags, 0);
	ck_assert_int_eq(stage.state, STAGE_REPLYING);
	pack_pass(0, 5, "x-pass");
	say_all();
	expect_whole("hello");
	ck_assert_str_eq(rig_header(&call, "x-pass"), "passed");
	ck_assert_ptr_null(rig_header(&call, "content-type"));
}
END_TEST

START_TEST(a_small_body_comes_at_once_and_another_goes_back)
{
	struct frame frame;

	let_on(FRAME_MORE | FRAME_PIECES);
	answer("hello");
	ck_assert(hear(&fake, &frame));
	ck_assert_int_eq(frame.header.type, FRAME_START);
	ck_assert_int_eq(frame.header.flags, FRAME_MORE);
	expect(&fake, FRAME_DATA);
	expect(&fake, FRAME_END);
	pack_pass(FRAME_MORE, 3, "x-pass");
	say(&fake, FRAME_DATA, 0, 0, id, SLICE("bye"));
	pack_end(&fake, id);
	say_all();
	expect_whole("bye");
}
END_TEST

START_TEST(a_body_comes_within_the_window_alone)
{
	static char bytes[FRAME_WINDOW];
	uint32_t more = FRAME_DATA_MAX;
	struct frame frame;
	size_t got = 0;

	let_on(FRAME_MORE | FRAME_PIECES);
	ck_assert_int_eq(exchange_start(&inner, 200, NULL), 0);
	ck_assert_int_eq(exchange_write(&inner, bytes, sizeof(bytes)), 0);
	settle();
	expect(&fake, FRAME_START);
	say_pass(FRAME_MORE);
	ck_assert_int_eq(stage.state, STAGE_AWAY);
	ck_assert(!hear(&fake, &frame));
	for (int i = 1; i <= 2; i++) {
		say(&fake, FRAME_WINDOW_MORE, 0, 0, id,
		    (struct slice){ (const char *)&more, sizeof(more) });
		say_all();
		while (hear(&fake, &frame)) {
			ck_assert_int_eq(frame.header.type, FRAME_DATA);
			got += frame.payload.size;
		}
		ck_assert_uint_eq(got, (size_t)i * FRAME_DATA_MAX);
	}
}
END_TEST

START_TEST(it_may_reply_in_place_of_what_is_behind)
{
	let_on(FRAME_MORE);
	answer("secret");
	pack_reply(&fake, id, "replaced");
	say_all();
	expect_whole("replaced");
}
END_TEST

START_TEST(it_may_deny)
{
	pack_reply(&fake, id, "denied");
	say_all();
	expect_whole("denied");
}
END_TEST

START_TEST(fields_that_frame_the_reply_are_the_servers)
{
	let_on(FRAME_MORE);
	ck_assert_int_eq(exchange_reply(&inner, 200, NULL, "x", 1), 0);
	ck_assert_int_eq(head_add(&inner.reply.head, SLICE("connection"),
	    SLICE("upgrade")), 0);
	settle();
	pack_pass(0, 1, "x-pass");
	say_all();
	expect_whole("x");
	ck_assert_str_eq(rig_header(&call, "connection"), "upgrade");
}
END_TEST

/* Hosts that end */

START_TEST(a_request_that_it_has_not_begun_goes_to_the_next_host)
{
	die(&fake);
	ck_assert_int_eq(call.exchange.state, EXCHANGE_OPEN);
	attach(&fake);
	expect(&fake, FRAME_OPEN);
	ck_assert_uint_eq(expect(&fake, FRAME_FILTER), id);
	say_next(0);
	answer("hello");
	expect_whole("hello");
}
END_TEST

START_TEST(its_end_before_pass_costs_the_request)
{
	let_on(FRAME_MORE);
	die(&fake);
	settle();
	check_status(&call, 502);
}
END_TEST

START_TEST(its_end_before_the_header_is_passed_costs_the_request)
{
	let_on(FRAME_MORE);
	answer("secret");
	die(&fake);
	settle();
	check_status(&call, 502);
	ck_assert_ptr_null(strstr(rig_body(&call), "secret"));
}
END_TEST

START_TEST(its_end_within_a_body_breaks_the_reply)
{
	let_on(FRAME_MORE | FRAME_PIECES);
	answer("hello");
	say_pass(FRAME_MORE);
	die(&fake);
	settle();
	ck_assert_int_eq(call.exchange.state, EXCHANGE_BROKEN);
}
END_TEST

START_TEST(its_end_costs_nothing_when_it_has_no_more_to_say)
{
	let_on(0);
	die(&fake);
	settle();
	answer("hello");
	expect_whole("hello");
}
END_TEST

START_TEST(its_end_behind_pass_costs_nothing)
{
	let_on(FRAME_MORE);
	ck_assert_int_eq(exchange_start(&inner, 200, NULL), 0);
	settle();
	say_pass(0);
	ck_assert_int_eq(stage.state, STAGE_PASSING);
	die(&fake);
	settle();
	ck_assert_int_eq(exchange_write(&inner, "hello", 5), 0);
	ck_assert_int_eq(exchange_end(&inner), 0);
	settle();
	expect_whole("hello");
}
END_TEST

START_TEST(a_client_that_leaves_is_told)
{
	struct frame frame;

	let_on(FRAME_MORE);
	(void)!exchange_part(&call.exchange, &rig_ops);
	settle();
	turn();
	ck_assert(hear(&fake, &frame));
	ck_assert_int_eq(frame.header.type, FRAME_CANCEL);
	ck_assert_int_eq(frame.header.flags, 0);
	/* What was on its way is no mistake. */
	say_pass(0);
	say(&fake, FRAME_END, FRAME_BROKEN, 0, id, SLICE("\0\0\0\0"));
	say_all();
	ck_assert_int_eq(fake.lost, 0);
	check_works(&fake);
}
END_TEST

static void add_in_order(TCase *tcase)
{
	tcase_add_test(tcase, one_that_wants_no_reply_is_not_shown_it);
	tcase_add_test(tcase, one_that_wants_the_header_says_all_of_it);
	tcase_add_test(tcase, a_small_body_comes_at_once_and_another_goes_back);
	tcase_add_test(tcase, a_body_comes_within_the_window_alone);
	tcase_add_test(tcase, it_may_reply_in_place_of_what_is_behind);
	tcase_add_test(tcase, it_may_deny);
	tcase_add_test(tcase, one_that_is_not_asked_is_not_waited_for);
	tcase_add_test(tcase, one_that_is_not_asked_may_have_the_body);
	tcase_add_loop_test(tcase, a_host_may_refuse_what_it_is_not_asked, 0, 2);
	tcase_add_test(tcase, the_end_of_one_that_is_not_asked_costs_the_request);
	tcase_add_test(tcase, next_of_one_that_is_not_asked_ends_its_host);
	tcase_add_test(tcase, fields_that_frame_the_reply_are_the_servers);
}

static void add_ends(TCase *tcase)
{
	tcase_add_test(tcase, a_request_that_it_has_not_begun_goes_to_the_next_host);
	tcase_add_test(tcase, its_end_before_pass_costs_the_request);
	tcase_add_test(tcase, its_end_before_the_header_is_passed_costs_the_request);
	tcase_add_test(tcase, its_end_within_a_body_breaks_the_reply);
	tcase_add_test(tcase, its_end_costs_nothing_when_it_has_no_more_to_say);
	tcase_add_test(tcase, its_end_behind_pass_costs_nothing);
	tcase_add_test(tcase, a_client_that_leaves_is_told);
}

int main(void)
{
	Suite *suite = suite_create("remote_filter");
	TCase *tcase = tcase_create("filter");

	tcase_add_checked_fixture(tcase, set_up_filter, tear_down_filter);
	tcase_set_timeout(tcase, 60);
	add_in_order(tcase);
	add_ends(tcase);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
