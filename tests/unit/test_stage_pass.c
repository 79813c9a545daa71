/* SPDX-License-Identifier: MIT */
/* What comes from behind a filter, on its way through. */
#include <fcntl.h>

#include "stage_rig.h"

/* PASSING, whole */

START_TEST(what_goes_on_untouched_keeps_its_length_and_is_not_copied)
{
	static const char text[] = "static";
	char scratch[8];
	struct slice part;

	begin_again(HTTP_GET, false);
	let_on();
	ck_assert_int_eq(exchange_reply_ref(&inner, 200, NULL, text, 6, NULL, NULL), 0);
	run();
	ck_assert_int_eq(outer->reply.content_length, 6);
	ck_assert_int_eq(pieces_peek(&outer->pieces, scratch, 8, &part), 0);
	ck_assert_ptr_eq(part.data, text);
	ck_assert_int_eq(inner.pieces.left, 0);
	expect_reply(200, "static");
	expect_told("reply 200.");
}
END_TEST

START_TEST(filter_with_pieces_may_leave_a_body_alone)
{
	reply_result = STAGE_UNTOUCHED;
	let_on();
	answer(200, "abc");
	run();
	ck_assert_int_eq(outer->reply.content_length, 3);
	expect_reply(200, "abc");
	expect_told("reply 200.");
}
END_TEST

START_TEST(stream_goes_on_as_it_comes)
{
	begin_again(HTTP_GET, false);
	begin_stream();
	ck_assert_int_eq(outer->state, EXCHANGE_STARTED);
	ck_assert_int_eq(outer->reply.content_length, -1);
	write_text("ab");
	run();
	ck_assert_str_eq(rig_body(&rig), "ab");
	write_text("cd");
	ck_assert_int_eq(exchange_add_trailer(&inner, "x-sum", "1"), 0);
	ck_assert_int_eq(exchange_end(&inner), 0);
	run();
	expect_reply(200, "abcd");
	ck_assert_uint_eq(outer->reply.trailer.count, 1);
	ck_assert_int_eq(stage.state, STAGE_OVER);
}
END_TEST

static int swallow(struct slice bytes, bool last)
{
	(void)bytes;
	return last ? stage_pass(&stage, "", 0, true) : 0;
}

START_TEST(filter_that_makes_nothing_of_much_lets_others_have_their_turn)
{
	static char bytes[1 << 20];

	on_piece = swallow;
	begin_stream();
	ck_assert_int_eq(exchange_write(&inner, bytes, sizeof(bytes)), 0);
	rests = 0;
	run();
	ck_assert_int_ge(rests, 1);
	ck_assert_int_le(rests, 1 + (1 << 20) / (STAGE_TURN_PIECES * STAGE_PIECE_BYTES));
	ck_assert_int_eq(exchange_end(&inner), 0);
	run();
	expect_reply(200, "");
}
END_TEST

/* Fills what waits behind and in front of the filter, until nothing more is taken. */
static size_t fill(void)
{
	static char bytes[16 * 1024];
	size_t taken = 0;

	while (exchange_write(&inner, bytes, sizeof(bytes)) == 0) {
		taken += sizeof(bytes);
		run();
		ck_assert_uint_lt(taken, 16 << 20);
	}
	ck_assert_int_eq(exchange_write(&inner, bytes, 1), ERR_AGAIN);
	return taken;
}

/* The session sends what waits. */
static void take(void)
{
	ck_assert_int_eq(rig_take(&rig), ERR_EOF);
	exchange_taken(outer);
	run();
}

static void expect_back_pressure(void)
{
	size_t all = fill();

	ck_assert_uint_ge(outer->pieces.copied, EXCHANGE_HIGH);
	ck_assert_uint_le(outer->pieces.copied, 2 * EXCHANGE_HIGH);
	ck_assert_uint_ge(inner.pieces.copied, EXCHANGE_HIGH);
	ck_assert_uint_le(inner.pieces.copied, EXCHANGE_HIGH + STAGE_PIECE_BYTES);
	ck_assert_ptr_null(strstr(told, "drain."));
	while (outer->pieces.left > 0) {
		take();
	}
	ck_assert_ptr_nonnull(strstr(told, "drain."));
	ck_assert_uint_eq(rig.size, all);
	ck_assert_int_eq(exchange_end(&inner), 0);
	run();
	ck_assert_int_eq(outer->state, EXCHANGE_ENDED);
}

START_TEST(handler_waits_while_much_is_in_front_of_the_filter)
{
	begin_again(HTTP_GET, false);
	begin_stream();
	expect_back_pressure();
}
END_TEST

START_TEST(a_long_stream_needs_no_more_memory)
{
	size_t used[2];

	begin_again(HTTP_GET, false);
	begin_stream();
	for (int i = 0; i < 5000; i++) {
		if (i == 100) {
			used[0] = inner.arena.used;
			used[1] = outer->arena.used;
		}
		write_text("ab");
		run();
		take();
	}
	ck_assert_uint_le(inner.arena.used, used[0] + 256);
	ck_assert_uint_le(outer->arena.used, used[1] + 256);
}
END_TEST

START_TEST(reply_that_breaks_off_behind_breaks_off)
{
	begin_again(HTTP_GET, false);
	begin_stream();
	write_text("ab");
	run();
	ck_assert_int_eq(exchange_abort(&inner), 0);
	run();
	ck_assert_int_eq(outer->state, EXCHANGE_BROKEN);
	ck_assert_int_eq(stage.state, STAGE_OVER);
	ck_assert(part());
	stage_release(&stage);
	expect_told("gone.done.");
}
END_TEST

START_TEST(more_than_the_length_that_the_filter_said_is_broken)
{
	begin_again(HTTP_GET, false);
	ck_assert_int_eq(exchange_set_header(outer, "content-length", "2"), 0);
	let_on();
	answer(200, "abc");
	run();
	ck_assert_int_eq(outer->state, EXCHANGE_BROKEN);
	ck_assert_int_eq(stage.state, STAGE_OVER);
}
END_TEST

START_TEST(client_that_leaves_while_it_streams)
{
	begin_again(HTTP_GET, false);
	begin_stream();
	write_text("ab");
	ck_assert(!part());
	expect_told("gone.handler gone.");
	run();
	ck_assert_int_eq(exchange_write(&inner, "cd", 2), ERR_CLOSED);
	ck_assert_int_eq(exchange_end(&inner), 0);
	run();
	ck_assert_int_eq(finished, 1);
	stage_release(&stage);
	expect_told("done.");
}
END_TEST

/* PASSING, piece by piece */

START_TEST(pieces_of_a_stream_are_passed_as_they_come)
{
	begin_stream();
	write_text("ab");
	run();
	expect_told("piece ab.");
	write_text("cd");
	ck_assert_int_eq(exchange_end(&inner), 0);
	run();
	expect_told("piece cd last.");
	expect_reply(200, "abcd");
	ck_assert_int_eq(outer->reply.content_length, -1);
}
END_TEST

START_TEST(an_end_that_comes_late_is_an_empty_last_piece)
{
	begin_stream();
	write_text("ab");
	run();
	ck_assert_int_eq(exchange_end(&inner), 0);
	run();
	expect_told("piece ab.piece  last.");
	expect_reply(200, "ab");
}
END_TEST

START_TEST(empty_reply_is_an_empty_last_piece)
{
	let_on();
	answer(200, "");
	run();
	expect_told("reply 200.piece  last.");
	expect_reply(200, "");
	ck_assert_int_eq(outer->reply.content_length, 0);
}
END_TEST

START_TEST(replies_without_a_body_have_no_pieces)
{
	static const int statuses[] = { 204, 205, 304 };

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		begin_again(HTTP_GET, true);
		let_on();
		answer(statuses[i], "");
		run();
		ck_assert_ptr_null(strstr(told, "piece"));
		expect_reply(statuses[i], "");
	}
	begin_again(HTTP_HEAD, true);
	let_on();
	answer(200, "abc");
	run();
	expect_told("reply 200.");
	expect_reply(200, "");
	/* What it would be is not known: nobody has asked the filter. */
	ck_assert_int_eq(outer->reply.content_length, -1);
}
END_TEST

START_TEST(head_keeps_a_length_that_no_filter_changes)
{
	begin_again(HTTP_HEAD, false);
	let_on();
	answer(200, "abc");
	run();
	expect_reply(200, "");
	ck_assert_int_eq(outer->reply.content_length, 3);
}
END_TEST

static int pass_wrongly(struct slice bytes, bool last)
{
	static char much[STAGE_PASS_MAX + 1];

	ck_assert_int_eq(stage_pass(&stage, much, sizeof(much), last), ERR_LIMIT);
	ck_assert_int_eq(stage_pass(&stage, NULL, 1, last), ERR_INVALID);
	if (!last) {
		ck_assert_int_eq(stage_pass(&stage, "x", 1, true), ERR_INVALID);
		return 0;
	}
	ck_assert_int_eq(stage_pass(&stage, bytes.data, bytes.size, false), 0);
	/* The bound is one of all passes together. */
	ck_assert_int_eq(stage_pass(&stage, much, STAGE_PASS_MAX - bytes.size + 1, true),
	    ERR_LIMIT);
	ck_assert_int_eq(stage_pass(&stage, NULL, 0, true), 0);
	ck_assert_int_eq(stage_pass(&stage, "x", 1, true), ERR_INVALID);
	ck_assert_int_eq(stage_pass(&stage, NULL, 0, true), ERR_INVALID);
	return 0;
}

START_TEST(passes_are_judged)
{
	begin_stream();
	on_piece = pass_wrongly;
	ck_assert_int_eq(stage_pass(&stage, "x", 1, false), ERR_INVALID);
	write_text("ab");
	run();
	write_text("cd");
	ck_assert_int_eq(exchange_end(&inner), 0);
	run();
	expect_reply(200, "cd");
	ck_assert_int_eq(stage_pass(&stage, "x", 1, true), ERR_INVALID);
}
END_TEST

static int pass_most(struct slice bytes, bool last)
{
	static char much[STAGE_PASS_MAX];

	(void)bytes;
	return stage_pass(&stage, much, sizeof(much), last);
}

START_TEST(each_piece_may_become_a_mebibyte)
{
	struct slice part;

	begin_stream();
	on_piece = pass_most;
	for (int i = 0; i < 3; i++) {
		write_text("a");
		run();
		ck_assert_int_eq(outer->pieces.left, STAGE_PASS_MAX);
		while (pieces_peek(&outer->pieces, NULL, SIZE_MAX, &part) == 0) {
			pieces_consume(&outer->pieces, part.size);
		}
		exchange_taken(outer);
		run();
	}
	ck_assert_int_eq(outer->state, EXCHANGE_STARTED);
}
END_TEST

static int fail_piece(struct slice bytes, bool last)
{
	(void)bytes;
	(void)last;
	return ERR_INVALID;
}

static int lose_piece(struct slice bytes, bool last)
{
	(void)bytes;
	(void)last;
	return 0;
}

static int abort_piece(struct slice bytes, bool last)
{
	(void)bytes;
	(void)last;
	return exchange_abort(outer);
}

START_TEST(filter_that_fails_with_a_piece_breaks_the_reply)
{
	static int (*const ways[])(struct slice, bool) = { fail_piece, lose_piece };

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		begin_again(HTTP_GET, true);
		let_on();
		on_piece = ways[i];
		answer(200, "abc");
		run();
		ck_assert_int_eq(outer->state, EXCHANGE_BROKEN);
		ck_assert_int_eq(stage.state, STAGE_OVER);
		ck_assert(part());
		stage_release(&stage);
		expect_told("reply 200.gone.done.");
	}
}
END_TEST

START_TEST(filter_that_aborts_at_a_piece_is_not_told_that_it_is_gone)
{
	begin_again(HTTP_GET, true);
	let_on();
	on_piece = abort_piece;
	answer(200, "abc");
	run();
	ck_assert_int_eq(outer->state, EXCHANGE_BROKEN);
	ck_assert_int_eq(stage.state, STAGE_OVER);
	ck_assert(part());
	stage_release(&stage);
	expect_told("reply 200.done.");
}
END_TEST

START_TEST(handler_waits_while_much_is_in_front_of_pieces)
{
	begin_stream();
	on_piece = NULL;
	expect_back_pressure();
}
END_TEST

START_TEST(trailer_from_behind_follows_the_last_piece)
{
	begin_stream();
	write_text("ab");
	ck_assert_int_eq(exchange_add_trailer(&inner, "x-sum", "1"), 0);
	ck_assert_int_eq(exchange_end(&inner), 0);
	run();
	ck_assert_str_eq(head_find(&outer->reply.trailer, SLICE("x-sum")).data, "1");
	expect_reply(200, "ab");
}
END_TEST

START_TEST(client_that_leaves_between_pieces)
{
	begin_stream();
	write_text("ab");
	run();
	expect_told("piece ab.");
	write_text("cd");
	ck_assert(!part());
	run();
	expect_told("gone.handler gone.");
	ck_assert_int_eq(exchange_abort(&inner), 0);
	run();
	ck_assert_int_eq(finished, 1);
	stage_release(&stage);
	expect_told("done.");
}
END_TEST

/* A part of a file of that many bytes, most of them a hole. */
static int file_of(off_t size)
{
	char path[] = "/tmp/tincan-test-XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(ftruncate(fd, size), 0);
	return fd;
}

START_TEST(file_is_read_for_pieces_and_its_end_is_the_last)
{
	let_on();
	ck_assert_int_eq(exchange_reply_file(&inner, 200, NULL, file_of(200000), 0,
	    200000), 0);
	run();
	while (outer->state == EXCHANGE_STARTED) {
		take();
	}
	take();
	ck_assert_uint_eq(rig.size, 200000);
	ck_assert_int_eq(outer->state, EXCHANGE_ENDED);
}
END_TEST

START_TEST(file_that_became_shorter_breaks_the_reply)
{
	let_on();
	ck_assert_int_eq(exchange_reply_file(&inner, 200, NULL, file_of(10), 0, 20), 0);
	run();
	ck_assert_int_eq(outer->state, EXCHANGE_BROKEN);
	ck_assert_int_eq(stage.state, STAGE_OVER);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("stage_pass");
	TCase *tcase = tcase_create("stage_pass");

	tcase_add_checked_fixture(tcase, set_up, end);
	tcase_add_test(tcase, what_goes_on_untouched_keeps_its_length_and_is_not_copied);
	tcase_add_test(tcase, filter_with_pieces_may_leave_a_body_alone);
	tcase_add_test(tcase, stream_goes_on_as_it_comes);
	tcase_add_test(tcase,
	    filter_that_makes_nothing_of_much_lets_others_have_their_turn);
	tcase_add_test(tcase, handler_waits_while_much_is_in_front_of_the_filter);
	tcase_add_test(tcase, a_long_stream_needs_no_more_memory);
	tcase_add_test(tcase, reply_that_breaks_off_behind_breaks_off);
	tcase_add_test(tcase, more_than_the_length_that_the_filter_said_is_broken);
	tcase_add_test(tcase, client_that_leaves_while_it_streams);
	tcase_add_test(tcase, pieces_of_a_stream_are_passed_as_they_come);
	tcase_add_test(tcase, an_end_that_comes_late_is_an_empty_last_piece);
	tcase_add_test(tcase, empty_reply_is_an_empty_last_piece);
	tcase_add_test(tcase, replies_without_a_body_have_no_pieces);
	tcase_add_test(tcase, head_keeps_a_length_that_no_filter_changes);
	tcase_add_test(tcase, passes_are_judged);
	tcase_add_test(tcase, each_piece_may_become_a_mebibyte);
	tcase_add_test(tcase, filter_that_fails_with_a_piece_breaks_the_reply);
	tcase_add_test(tcase,
	    filter_that_aborts_at_a_piece_is_not_told_that_it_is_gone);
	tcase_add_test(tcase, handler_waits_while_much_is_in_front_of_pieces);
	tcase_add_test(tcase, trailer_from_behind_follows_the_last_piece);
	tcase_add_test(tcase, client_that_leaves_between_pieces);
	tcase_add_test(tcase, file_is_read_for_pieces_and_its_end_is_the_last);
	tcase_add_test(tcase, file_that_became_shorter_breaks_the_reply);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
