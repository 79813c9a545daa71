/* SPDX-License-Identifier: MIT */
/* Until what is behind a filter has replied. */
#include "stage_rig.h"

/* ASKED */

START_TEST(filter_that_answers_has_nobody_behind_it)
{
	ck_assert(stage_may_reply(&stage));
	ck_assert_int_eq(exchange_reply(outer, 403, NULL, "no", 2), 0);
	ck_assert_int_eq(stage_next(&stage), ERR_INVALID);
	ck_assert_int_eq(wakes, 0);
	expect_reply(403, "no");
	ck_assert(part());
	stage_release(&stage);
	expect_told("done.");
}
END_TEST

START_TEST(request_goes_on_once)
{
	ck_assert_int_eq(stage_next(&stage), 0);
	ck_assert(outer->held && !stage_may_reply(&stage));
	ck_assert_int_eq(stage_next(&stage), ERR_INVALID);
	run();
	ck_assert_int_eq(stage_next(&stage), ERR_INVALID);
	ck_assert_ptr_eq(stage.inner, &inner);
}
END_TEST

START_TEST(inner_exchange_has_the_request_of_the_outer_one)
{
	ck_assert_int_eq(head_add(&outer->request.head, SLICE("x-a"), SLICE("1")), 0);
	let_on();
	ck_assert_ptr_eq(inner.outer, outer);
	ck_assert_str_eq(inner.id, outer->id);
	ck_assert_str_eq(inner.ops->info(&inner, "client.address"), "192.0.2.1");
	ck_assert_int_eq(exchange_set_request_header(&inner, "x-b", "2"), 0);
	ck_assert_int_eq(exchange_set_request_header(&inner, "x-a", NULL), 0);
	ck_assert_ptr_nonnull(head_find(&inner.request.head, SLICE("x-b")).data);
	ck_assert_uint_eq(outer->request.head.count, 1);
	ck_assert_str_eq(head_find(&outer->request.head, SLICE("x-a")).data, "1");
}
END_TEST

START_TEST(who_leaves_before_it_goes_on_goes_nowhere)
{
	exchange_hold(outer, NULL);
	ck_assert(!part());
	ck_assert_int_eq(stage_next(&stage), 0);
	ck_assert_int_eq(wakes, 0);
	ck_assert_int_eq(finished, 1);
	ck_assert_ptr_null(stage.inner);
}
END_TEST

START_TEST(who_leaves_as_it_goes_on_is_not_let_in)
{
	ck_assert_int_eq(stage_next(&stage), 0);
	ck_assert(part());
	ck_assert_int_eq(stage.state, STAGE_OVER);
	run();
	ck_assert_ptr_null(stage.inner);
	stage_release(&stage);
	expect_told("gone.done.");
}
END_TEST

START_TEST(answer_of_the_server_as_it_goes_on_keeps_it_out)
{
	ck_assert_int_eq(stage_next(&stage), 0);
	exchange_fail(outer, 503, NULL);
	run();
	ck_assert_int_eq(stage.state, STAGE_OVER);
	ck_assert_ptr_null(stage.inner);
	ck_assert_int_eq(outer->reply.status, 503);
}
END_TEST

/* BEHIND */

START_TEST(client_that_leaves_is_told_to_filter_and_handler)
{
	let_on();
	exchange_hold(&inner, &handler_ops);
	ck_assert(!part());
	ck_assert_int_eq(stage.state, STAGE_LEFT);
	expect_told("gone.handler gone.");
	ck_assert_int_eq(finished, 0);
	ck_assert_int_eq(exchange_reply(&inner, 200, NULL, "late", 4), 0);
	ck_assert_int_eq(finished, 0);	/* never inside a handler's call */
	run();
	ck_assert_int_eq(finished, 1);
	ck_assert_int_eq(stage.state, STAGE_OVER);
	stage_release(&stage);
	expect_told("done.");
}
END_TEST

static void handler_aborts(struct exchange *exchange)
{
	tell("handler gone.");
	ck_assert_int_eq(exchange_abort(exchange), 0);
}

START_TEST(handler_that_finishes_as_it_is_told_ends_it_there)
{
	static const struct exchange_handler_ops aborts = { .gone = handler_aborts };

	let_on();
	exchange_hold(&inner, &aborts);
	ck_assert(part());
	ck_assert_int_eq(stage.state, STAGE_OVER);
	run();
	ck_assert_int_eq(finished, 0);
	expect_told("gone.handler gone.");
}
END_TEST

START_TEST(filter_whose_code_has_seen_nothing_is_told_nothing)
{
	stage.seen = false;
	let_on();
	ck_assert(part());
	stage_release(&stage);
	expect_told("");
}
END_TEST

START_TEST(no_reply_at_all_is_none)
{
	let_on();
	ck_assert_int_eq(exchange_abort(&inner), 0);
	run();
	ck_assert_int_eq(outer->state, EXCHANGE_BROKEN);
	ck_assert_int_eq(outer->reply.status, 0);
	ck_assert(part());
	stage_release(&stage);
	expect_told("gone.done.");
}
END_TEST

/* REPLYING */

START_TEST(header_from_behind_gets_what_was_said_before)
{
	ck_assert_int_eq(exchange_set_header(outer, "x-a", "filter"), 0);
	let_on();
	ck_assert_int_eq(exchange_set_header(&inner, "x-a", "handler"), 0);
	ck_assert_int_eq(exchange_set_header(&inner, "x-b", "handler"), 0);
	answer(200, "abc");
	run();
	ck_assert_str_eq(rig_header(&rig, "x-a"), "filter");
	ck_assert_str_eq(rig_header(&rig, "x-b"), "handler");
	ck_assert_str_eq(rig_header(&rig, "content-type"), "text/plain");
	expect_reply(200, "abc");
	expect_told("reply 200.piece abc last.");
	ck_assert(stage.passed && part());
	stage_release(&stage);
	stage_release(&stage);
	expect_told("done.");
}
END_TEST

static int reply_instead(void)
{
	return exchange_reply(outer, 503, NULL, "instead", 7);
}

START_TEST(reply_in_its_place_has_no_fields_from_behind)
{
	ck_assert_int_eq(exchange_set_header(outer, "x-a", "filter"), 0);
	let_on();
	on_reply = reply_instead;
	ck_assert_int_eq(exchange_set_header(&inner, "x-b", "handler"), 0);
	answer(200, "abc");
	run();
	ck_assert_str_eq(rig_header(&rig, "x-a"), "filter");
	ck_assert_ptr_null(rig_header(&rig, "x-b"));
	expect_reply(503, "instead");
	ck_assert(!stage.passed);
	ck_assert_int_eq(stage.state, STAGE_OVER);
	expect_told("reply 200.");
}
END_TEST

START_TEST(handler_that_streams_is_told_that_it_was_replaced)
{
	on_reply = reply_instead;
	let_on();
	exchange_hold(&inner, &handler_ops);
	ck_assert_int_eq(exchange_start(&inner, 200, NULL), 0);
	run();
	expect_told("reply 200.handler gone.");
	ck_assert_int_eq(stage.state, STAGE_LEFT);
	ck_assert_str_eq(rig_body(&rig), "instead");
	ck_assert(!part());
	ck_assert_int_eq(exchange_end(&inner), 0);
	run();
	ck_assert_int_eq(finished, 1);
}
END_TEST

static int reply_half(void)
{
	return exchange_start(outer, 503, NULL);
}

START_TEST(half_a_reply_in_its_place_is_broken)
{
	on_reply = reply_half;
	let_on();
	answer(200, "abc");
	run();
	ck_assert_int_eq(outer->state, EXCHANGE_BROKEN);
	ck_assert_int_eq(stage.state, STAGE_OVER);
}
END_TEST

static int abort_outer(void)
{
	return exchange_abort(outer);
}

START_TEST(filter_may_abort_the_reply)
{
	on_reply = abort_outer;
	let_on();
	answer(200, "abc");
	run();
	ck_assert_int_eq(outer->state, EXCHANGE_BROKEN);
	ck_assert_int_eq(stage.state, STAGE_OVER);
	ck_assert(part());
}
END_TEST

START_TEST(filter_that_fails_with_the_header_is_500)
{
	reply_result = ERR_INVALID;
	let_on();
	answer(200, "abc");
	run();
	ck_assert_int_eq(outer->state, EXCHANGE_ENDED);
	ck_assert_int_eq(outer->reply.status, 500);
	ck_assert_ptr_null(strstr(rig_body(&rig), "abc"));
	expect_told("reply 200.gone.");
}
END_TEST

START_TEST(filter_may_tell_later_what_came_of_the_header)
{
	reply_result = ERR_AGAIN;
	let_on();
	answer(200, "abc");
	run();
	ck_assert_int_eq(stage.state, STAGE_REPLYING);
	ck_assert(stage_may_reply(&stage));
	ck_assert_int_eq(outer->state, EXCHANGE_OPEN);
	stage_replied(&stage, 0);
	run();
	expect_reply(200, "abc");
	stage_replied(&stage, ERR_INVALID);	/* twice is harmless */
	expect_told("reply 200.piece abc last.");
}
END_TEST

START_TEST(client_that_leaves_while_a_filter_has_the_header)
{
	reply_result = ERR_AGAIN;
	let_on();
	answer(200, "abc");
	run();
	ck_assert(part());
	ck_assert_int_eq(stage.state, STAGE_OVER);
	stage_replied(&stage, 0);
	run();
	stage_release(&stage);
	expect_told("reply 200.gone.done.");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("stage");
	TCase *tcase = tcase_create("stage");

	tcase_add_checked_fixture(tcase, set_up, end);
	tcase_add_test(tcase, filter_that_answers_has_nobody_behind_it);
	tcase_add_test(tcase, request_goes_on_once);
	tcase_add_test(tcase, inner_exchange_has_the_request_of_the_outer_one);
	tcase_add_test(tcase, who_leaves_before_it_goes_on_goes_nowhere);
	tcase_add_test(tcase, who_leaves_as_it_goes_on_is_not_let_in);
	tcase_add_test(tcase, answer_of_the_server_as_it_goes_on_keeps_it_out);
	tcase_add_test(tcase, client_that_leaves_is_told_to_filter_and_handler);
	tcase_add_test(tcase, handler_that_finishes_as_it_is_told_ends_it_there);
	tcase_add_test(tcase, filter_whose_code_has_seen_nothing_is_told_nothing);
	tcase_add_test(tcase, no_reply_at_all_is_none);
	tcase_add_test(tcase, header_from_behind_gets_what_was_said_before);
	tcase_add_test(tcase, reply_in_its_place_has_no_fields_from_behind);
	tcase_add_test(tcase, handler_that_streams_is_told_that_it_was_replaced);
	tcase_add_test(tcase, half_a_reply_in_its_place_is_broken);
	tcase_add_test(tcase, filter_may_abort_the_reply);
	tcase_add_test(tcase, filter_that_fails_with_the_header_is_500);
	tcase_add_test(tcase, filter_may_tell_later_what_came_of_the_header);
	tcase_add_test(tcase, client_that_leaves_while_a_filter_has_the_header);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
