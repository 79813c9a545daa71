/* SPDX-License-Identifier: MIT */
#include "exchange/upload.h"

#include "rig.h"
#include "unit.h"

#define BIG (UPLOAD_PIECE + 100)

static struct rig_exchange rig;
static struct exchange *const exchange = &rig.exchange;
static char heard[1024];	/* the pieces, '|' behind each and '.' behind the last */
static size_t bytes;		/* of them */
static const char *reason;
static int gone;

static void hear(struct exchange *its, struct slice piece, bool last)
{
	size_t used = strlen(heard);

	ck_assert_ptr_eq(its, exchange);
	bytes += piece.size;
	if (piece.size < 100) {
		snprintf(heard + used, sizeof(heard) - used, "%.*s%s", (int)piece.size,
		    piece.data, last ? "." : "|");
	}
}

static void hear_and_pause(struct exchange *its, struct slice piece, bool last)
{
	hear(its, piece, last);
	ck_assert_int_eq(upload_pause(its, true), 0);
}

static void hear_and_reply(struct exchange *its, struct slice piece, bool last)
{
	hear(its, piece, last);
	ck_assert_int_eq(exchange_reply(its, 200, NULL, "ok", 2), 0);
}

static void hear_and_abort(struct exchange *its, struct slice piece, bool last)
{
	hear(its, piece, last);
	ck_assert_int_eq(exchange_abort(its), 0);
}

static void on_gone(struct exchange *its)
{
	gone++;
	ck_assert_int_eq(upload_pause(its, false), ERR_CLOSED);
	ck_assert_int_eq(exchange_abort(its), 0);
}

static const struct exchange_handler_ops plain = { .body = hear, .gone = on_gone };
static const struct exchange_handler_ops pausing = { .body = hear_and_pause,
	.gone = on_gone };
static const struct exchange_handler_ops aborting = { .body = hear_and_abort,
	.gone = on_gone };
static const struct exchange_handler_ops quick = { .body = hear_and_reply };

static void set_up(void)
{
	rig_begin(&rig, HTTP_POST, "/");
	buffer_init(&exchange->body, 2 * BIG);
	heard[0] = '\0';
	bytes = 0;
	gone = 0;
}

static void tear_down(void)
{
	exchange->handler_ops = NULL;
	rig_end(&rig);
}

static void begin(const struct exchange_handler_ops *ops, uint64_t max)
{
	upload_begin(exchange, max);
	exchange_hold(exchange, ops);
}

static void feed(const char *text, bool last)
{
	ck_assert_int_eq(upload_feed(exchange, slice_of(text), last, &reason), 0);
}

START_TEST(a_piece_goes_straight_to_the_handler)
{
	begin(&plain, 100);
	ck_assert(upload_takes(exchange) && upload_wants(exchange));
	feed("one", false);
	feed("", false);
	feed("two", false);
	ck_assert_str_eq(heard, "one|two|");
	ck_assert(upload_awaits(exchange));
	feed("", true);
	ck_assert_str_eq(heard, "one|two|.");
	ck_assert(!upload_takes(exchange));
	feed("more", true);
	ck_assert_str_eq(heard, "one|two|.");
	ck_assert_uint_eq(exchange->body.size, 0);
}
END_TEST

START_TEST(what_comes_in_a_pause_waits)
{
	begin(&plain, 100);
	ck_assert_int_eq(upload_pause(exchange, true), 0);
	ck_assert(!upload_wants(exchange) && !upload_awaits(exchange));
	feed("one", false);
	feed("two", true);
	upload_go_on(exchange);
	ck_assert_str_eq(heard, "");
	ck_assert_uint_eq(upload_waiting(exchange), 6);
	ck_assert_int_eq(rig.wakes, 0);
	ck_assert_int_eq(upload_pause(exchange, false), 0);
	ck_assert_int_eq(upload_pause(exchange, false), 0);
	ck_assert_int_eq(rig.wakes, 1);
	ck_assert_str_eq(heard, "");
	upload_go_on(exchange);
	ck_assert_str_eq(heard, "onetwo.");
	ck_assert_uint_eq(upload_waiting(exchange), 0);
}
END_TEST

START_TEST(a_large_wait_comes_in_pieces_and_can_pause_again)
{
	static char big[BIG];

	begin(&pausing, UINT64_MAX);
	ck_assert_int_eq(upload_pause(exchange, true), 0);
	ck_assert_int_eq(upload_feed(exchange, (struct slice){ big, BIG }, true, &reason),
	    0);
	for (int i = 1; i <= 2; i++) {
		ck_assert_int_eq(upload_pause(exchange, false), 0);
		upload_go_on(exchange);
		ck_assert_uint_eq(bytes, i == 1 ? UPLOAD_PIECE : BIG);
		ck_assert_int_eq(upload_takes(exchange), i == 1);
	}
	ck_assert_uint_eq(exchange->body.size, 0);
}
END_TEST

START_TEST(an_end_that_comes_in_a_pause_waits_too)
{
	begin(&pausing, 100);
	feed("one", false);
	feed("", true);
	ck_assert_str_eq(heard, "one|");
	ck_assert_int_eq(upload_pause(exchange, false), 0);
	upload_go_on(exchange);
	upload_go_on(exchange);
	ck_assert_str_eq(heard, "one|.");
}
END_TEST

START_TEST(no_more_is_taken_than_it_may_have)
{
	begin(&plain, 5);
	feed("12345", false);
	ck_assert_int_eq(upload_feed(exchange, SLICE("6"), false, &reason), 413);
	ck_assert_str_eq(heard, "12345|");
	exchange->request.content_length = 5;
	ck_assert_int_eq(exchange_judge_length(exchange, &reason), 0);
	exchange->request.content_length = 6;
	ck_assert_int_eq(exchange_judge_length(exchange, &reason), 413);
}
END_TEST

START_TEST(no_more_waits_than_the_queue_may_hold)
{
	static char big[BIG];

	begin(&plain, UINT64_MAX);
	ck_assert_int_eq(upload_pause(exchange, true), 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(upload_feed(exchange, (struct slice){ big, BIG }, false,
		    &reason), i < 2 ? 0 : 503);
	}
}
END_TEST

START_TEST(what_nobody_takes_is_dropped)
{
	begin(&quick, 100);
	feed("one", false);
	ck_assert_int_eq(exchange->state, EXCHANGE_ENDED);
	ck_assert(!upload_takes(exchange) && upload_wants(exchange));
	feed("two", true);
	upload_go_on(exchange);
	ck_assert_str_eq(heard, "one|");
	ck_assert_int_eq(upload_pause(exchange, true), ERR_INVALID);
}
END_TEST

START_TEST(what_waits_is_dropped_with_a_reply)
{
	begin(&quick, 100);
	ck_assert_int_eq(upload_pause(exchange, true), 0);
	feed("one", false);
	ck_assert_int_eq(exchange_reply(exchange, 200, NULL, "ok", 2), 0);
	upload_go_on(exchange);
	ck_assert_str_eq(heard, "");
	ck_assert_uint_eq(upload_waiting(exchange), 0);
}
END_TEST

START_TEST(an_abort_is_the_last_that_a_handler_hears_of)
{
	begin(&aborting, BIG);
	feed("one", false);
	feed("two", true);
	ck_assert_str_eq(heard, "one|");
	exchange_overrule(exchange, 400, "the body is not complete");
	ck_assert_int_eq(exchange->state, EXCHANGE_BROKEN);
	ck_assert_int_eq(gone, 0);
}
END_TEST

START_TEST(what_comes_before_the_handler_has_begun_waits)
{
	upload_begin(exchange, 100);
	ck_assert(upload_takes(exchange) && !upload_wants(exchange));
	feed("one", true);
	upload_go_on(exchange);
	exchange_hold(exchange, &plain);
	upload_go_on(exchange);
	ck_assert_str_eq(heard, "one.");
}
END_TEST

START_TEST(a_whole_body_is_handed_on_in_pieces)
{
	ck_assert_int_eq(buffer_append(&exchange->body, "whole", 5), 0);
	upload_begin_whole(exchange);
	upload_go_on(exchange);
	exchange_hold(exchange, &plain);
	ck_assert(!upload_awaits(exchange));
	upload_go_on(exchange);
	ck_assert_str_eq(heard, "whole.");
}
END_TEST

START_TEST(nothing_streams_that_was_not_begun)
{
	exchange_hold(exchange, &plain);
	feed("lost", true);
	upload_go_on(exchange);
	ck_assert_str_eq(heard, "");
	ck_assert(!upload_takes(exchange) && upload_wants(exchange));
	ck_assert_int_eq(upload_pause(exchange, true), ERR_INVALID);
}
END_TEST

START_TEST(a_refusal_of_the_server_is_told_the_handler)
{
	begin(&plain, 100);
	exchange_overrule(exchange, 413, "too large");
	ck_assert_int_eq(exchange->reply.status, 413);
	ck_assert_int_eq(exchange->state, EXCHANGE_ENDED);
	ck_assert_int_eq(gone, 1);
	exchange_overrule(exchange, 408, "too late");
	ck_assert_int_eq(exchange->reply.status, 413);
}
END_TEST

START_TEST(a_refusal_breaks_a_reply_that_has_started)
{
	begin(&plain, 100);
	ck_assert_int_eq(exchange_start(exchange, 200, NULL), 0);
	exchange_overrule(exchange, 408, "too late");
	ck_assert_int_eq(exchange->state, EXCHANGE_BROKEN);
	ck_assert_int_eq(gone, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("upload");
	TCase *tests = tcase_create("upload");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_piece_goes_straight_to_the_handler);
	tcase_add_test(tests, what_comes_in_a_pause_waits);
	tcase_add_test(tests, a_large_wait_comes_in_pieces_and_can_pause_again);
	tcase_add_test(tests, an_end_that_comes_in_a_pause_waits_too);
	tcase_add_test(tests, no_more_is_taken_than_it_may_have);
	tcase_add_test(tests, no_more_waits_than_the_queue_may_hold);
	tcase_add_test(tests, what_nobody_takes_is_dropped);
	tcase_add_test(tests, what_waits_is_dropped_with_a_reply);
	tcase_add_test(tests, an_abort_is_the_last_that_a_handler_hears_of);
	tcase_add_test(tests, what_comes_before_the_handler_has_begun_waits);
	tcase_add_test(tests, a_whole_body_is_handed_on_in_pieces);
	tcase_add_test(tests, nothing_streams_that_was_not_begun);
	tcase_add_test(tests, a_refusal_of_the_server_is_told_the_handler);
	tcase_add_test(tests, a_refusal_breaks_a_reply_that_has_started);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
