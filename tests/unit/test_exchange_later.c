/* SPDX-License-Identifier: MIT */
/* A handler that answers later, and the owner of what nobody waits for. */
#include <fcntl.h>

#include "exchange_rig.h"

static int drained;
static int told;
static int returned;

static void on_drain(struct exchange *held)
{
	ck_assert_ptr_eq(held, exchange);
	drained++;
}

static void on_gone(struct exchange *held)
{
	ck_assert_ptr_eq(held, exchange);
	told++;
}

static void finish_when_gone(struct exchange *held)
{
	told++;
	ck_assert_int_eq(exchange_write(held, "x", 1), ERR_CLOSED);
	ck_assert_int_eq(exchange_end(held), 0);
	ck_assert_int_eq(exchange_end(held), ERR_INVALID);
}

static void on_return(struct exchange *held)
{
	ck_assert_ptr_eq(held, exchange);
	returned++;
}

static const struct exchange_handler_ops later = { .drain = on_drain,
	.gone = on_gone };
static const struct exchange_ops owner = { .wake = on_return };

static void hold(const struct exchange_handler_ops *ops)
{
	drained = told = returned = 0;
	exchange_hold(exchange, ops);
}

START_TEST(a_later_reply_is_like_any)
{
	hold(&later);
	ck_assert_int_eq(exchange_reply(exchange, 200, NULL, "late", 4), 0);
	ck_assert_int_eq(rig.wakes, 1);
	ck_assert_int_eq(exchange->state, EXCHANGE_ENDED);
	ck_assert_int_eq(exchange_reply(exchange, 200, NULL, "again", 5), ERR_INVALID);
	ck_assert_str_eq(rig_body(&rig), "late");
	ck_assert(exchange_part(exchange, &owner));
	ck_assert_int_eq(told + returned, 0);
}
END_TEST

START_TEST(who_holds_it_outlives_the_peer)
{
	hold(&later);
	ck_assert_int_eq(exchange_start(exchange, 200, NULL), 0);
	ck_assert_int_eq(exchange_write(exchange, "some", 4), 0);
	ck_assert(!exchange_part(exchange, &owner));
	ck_assert_ptr_null(exchange->session);
	ck_assert_int_eq(exchange->pieces.left, 0);
	ck_assert_int_eq(told, 1);
	ck_assert_int_eq(exchange_write(exchange, "more", 4), ERR_CLOSED);
	ck_assert_int_eq(exchange_start(exchange, 200, NULL), ERR_CLOSED);
	ck_assert_int_eq(exchange_set_header(exchange, "a", "b"), ERR_CLOSED);
	ck_assert_int_eq(exchange_add_trailer(exchange, "a", "b"), ERR_CLOSED);
	ck_assert_int_eq(returned, 0);
	ck_assert_int_eq(exchange_end(exchange), 0);
	ck_assert_int_eq(returned, 1);
	ck_assert_int_eq(exchange_end(exchange), ERR_INVALID);
	ck_assert_int_eq(exchange_abort(exchange), ERR_INVALID);
	ck_assert_int_eq(returned, 1);
	ck_assert_int_eq(told, 1);
}
END_TEST

/* Each of those that finish what is gone. */
START_TEST(a_late_finish_of_any_kind_returns_it)
{
	int released = 0;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	hold(&later);
	ck_assert(!exchange_part(exchange, &owner));
	switch (_i) {
	case 0:
		ck_assert_int_eq(exchange_reply(exchange, 200, NULL, "x", 1), 0);
		break;
	case 1:
		ck_assert_int_eq(reply_ref("x", 1, count, &released), 0);
		ck_assert_int_eq(released, 1);
		break;
	case 2:
		ck_assert_int_eq(exchange_reply_file(exchange, 200, NULL, dup(fd), 0, 1),
		    0);
		break;
	case 3:
		ck_assert_int_eq(exchange_abort(exchange), 0);
		break;
	case 4:
		exchange_fail(exchange, 500, NULL);
		break;
	}
	ck_assert_int_eq(returned, 1);
	close(fd);
}
END_TEST

START_TEST(who_finishes_when_told_is_not_waited_for)
{
	static const struct exchange_handler_ops ops = { .drain = on_drain,
		.gone = finish_when_gone };

	hold(&ops);
	ck_assert(exchange_part(exchange, &owner));
	ck_assert_int_eq(told, 1);
	ck_assert_int_eq(returned, 0);
}
END_TEST

START_TEST(who_holds_nothing_forgets_it_when_told)
{
	hold(&later);
	exchange->held = false;
	ck_assert(exchange_part(exchange, &owner));
	ck_assert_int_eq(told, 1);
	ck_assert_int_eq(returned, 0);
}
END_TEST

START_TEST(after_its_deadline_a_handler_still_finishes)
{
	hold(&later);
	exchange_expire(exchange);
	ck_assert_int_eq(told, 1);
	ck_assert_int_eq(exchange->state, EXCHANGE_ENDED);
	ck_assert_int_eq(exchange->reply.status, 504);
	ck_assert_int_eq(exchange_start(exchange, 200, NULL), ERR_CLOSED);
	ck_assert_int_eq(exchange_reply(exchange, 200, NULL, "late", 4), 0);
	ck_assert_int_eq(exchange->reply.status, 504);
	ck_assert_ptr_nonnull(strstr(rig_body(&rig), "did not answer in time"));
	ck_assert(exchange_part(exchange, &owner));
	ck_assert_int_eq(told, 1);
	ck_assert_int_eq(returned, 0);
}
END_TEST

START_TEST(a_reply_that_has_started_has_no_deadline)
{
	hold(&later);
	ck_assert_int_eq(exchange_start(exchange, 200, NULL), 0);
	exchange_expire(exchange);
	ck_assert_int_eq(told, 0);
	ck_assert_int_eq(exchange_end(exchange), 0);
	ck_assert_int_eq(exchange->reply.status, 200);
}
END_TEST

static char block[16 * 1024];

/* Writes until it is refused; how many bytes were taken. */
static size_t fill(void)
{
	size_t taken = 0;
	int rc;

	while ((rc = exchange_write(exchange, block, sizeof(block))) == 0) {
		taken += sizeof(block);
	}
	ck_assert_int_eq(rc, ERR_AGAIN);
	return taken;
}

START_TEST(a_write_is_refused_until_little_waits)
{
	hold(&later);
	ck_assert_int_eq(exchange_start(exchange, 200, NULL), 0);
	ck_assert_uint_eq(fill(), EXCHANGE_HIGH);
	pieces_consume(&exchange->pieces, sizeof(block));
	exchange_taken(exchange);
	ck_assert_int_eq(drained, 0);
	while (exchange->pieces.left > EXCHANGE_LOW) {
		pieces_consume(&exchange->pieces, sizeof(block));
	}
	exchange_taken(exchange);
	exchange_taken(exchange);
	ck_assert_int_eq(drained, 1);
	ck_assert_uint_eq(fill(), EXCHANGE_HIGH - EXCHANGE_LOW);
	ck_assert_uint_lt(exchange->arena.used, 4096);
}
END_TEST

START_TEST(while_it_runs_a_handler_may_write_more)
{
	ck_assert_int_eq(exchange_start(exchange, 200, NULL), 0);
	ck_assert_uint_eq(fill(), EXCHANGE_FIRST);
	ck_assert_int_eq(exchange_write(exchange, NULL, 0), 0);
	ck_assert_int_eq(exchange_end(exchange), 0);
}
END_TEST

START_TEST(one_write_has_a_bound_of_its_own)
{
	char *large = calloc(EXCHANGE_WRITE_MAX + 1, 1);

	ck_assert_ptr_nonnull(large);
	ck_assert_int_eq(exchange_start(exchange, 200, NULL), 0);
	ck_assert_int_eq(exchange_write(exchange, large, EXCHANGE_WRITE_MAX + 1),
	    ERR_LIMIT);
	ck_assert_int_eq(exchange_write(exchange, large, EXCHANGE_WRITE_MAX), 0);
	free(large);
}
END_TEST

START_TEST(a_stream_for_a_head_comes_to_rest)
{
	begin_head();
	ck_assert_int_eq(exchange_start(exchange, 200, NULL), 0);
	ck_assert_uint_eq(fill(), EXCHANGE_FIRST);
	ck_assert_int_eq(exchange->pieces.left, 0);
}
END_TEST

START_TEST(an_abort_leaves_nothing_to_send)
{
	hold(&later);
	ck_assert_int_eq(exchange_abort(exchange), 0);
	ck_assert_int_eq(exchange->state, EXCHANGE_BROKEN);
	ck_assert_int_eq(exchange->reply.status, 0);
	ck_assert_int_eq(rig.wakes, 1);
	exchange_reset(exchange);
	ck_assert_int_eq(exchange_start(exchange, 200, NULL), 0);
	ck_assert_int_eq(exchange_write(exchange, "some", 4), 0);
	ck_assert_int_eq(exchange_abort(exchange), 0);
	ck_assert_int_eq(exchange->state, EXCHANGE_BROKEN);
	ck_assert_int_eq(exchange->pieces.left, 0);
	ck_assert_int_eq(exchange_abort(exchange), ERR_INVALID);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("exchange_later");
	TCase *tcase = tcase_create("exchange_later");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_later_reply_is_like_any);
	tcase_add_test(tcase, who_holds_it_outlives_the_peer);
	tcase_add_loop_test(tcase, a_late_finish_of_any_kind_returns_it, 0, 5);
	tcase_add_test(tcase, who_finishes_when_told_is_not_waited_for);
	tcase_add_test(tcase, who_holds_nothing_forgets_it_when_told);
	tcase_add_test(tcase, after_its_deadline_a_handler_still_finishes);
	tcase_add_test(tcase, a_reply_that_has_started_has_no_deadline);
	tcase_add_test(tcase, a_write_is_refused_until_little_waits);
	tcase_add_test(tcase, while_it_runs_a_handler_may_write_more);
	tcase_add_test(tcase, one_write_has_a_bound_of_its_own);
	tcase_add_test(tcase, a_stream_for_a_head_comes_to_rest);
	tcase_add_test(tcase, an_abort_leaves_nothing_to_send);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
