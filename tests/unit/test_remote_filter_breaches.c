/* SPDX-License-Identifier: MIT */
/* What the host of a filter may not say: it is ended for that, nothing else suffers. */
#include "remote_filter_rig.h"

/* In a wrong state */

START_TEST(next_twice_ends_its_host)
{
	let_on(FRAME_MORE);
	say_next(0);
	expect_lost();
}
END_TEST

START_TEST(next_of_a_handler_ends_its_host)
{
	struct rig_exchange plain;

	end_call();
	id = begin(&fake, &plain);
	say_next(0);
	ck_assert_int_eq(fake.lost, 1);
	die(&fake);
	check_status(&plain, 502);
	rig_end(&plain);
	memset(&stage, 0, sizeof(stage));
	list_init(&stage.moved);
}
END_TEST

START_TEST(next_and_pass_of_no_call_end_their_host)
{
	const enum frame_type types[] = { FRAME_NEXT, FRAME_PASS };

	id += (uint64_t)1 << FRAME_SLOT_BITS;
	if (types[_i] == FRAME_NEXT) {
		say_next(0);
	} else {
		say_pass(0);
	}
	ck_assert_int_eq(fake.lost, 1);
}
END_TEST

START_TEST(pass_before_next_ends_its_host)
{
	say_pass(0);
	ck_assert_int_eq(fake.lost, 1);
	die(&fake);
	/* It had not begun: the next host has it. */
	ck_assert_int_eq(call.exchange.state, EXCHANGE_OPEN);
}
END_TEST

START_TEST(pass_before_there_is_a_reply_ends_its_host)
{
	let_on(FRAME_MORE);
	say_pass(0);
	expect_lost();
}
END_TEST

START_TEST(a_second_pass_moves_nothing)
{
	let_on(FRAME_MORE);
	answer("hello");
	pack_pass(0, 5, "x-pass");
	pack_pass(0, 3, "x-again");
	say_all();
	expect_whole("hello");
	ck_assert_ptr_null(rig_header(&call, "x-again"));
}
END_TEST

START_TEST(pass_with_a_body_that_nobody_asked_for_ends_its_host)
{
	let_on(FRAME_MORE);
	answer("hello");
	say_pass(FRAME_MORE);
	expect_lost();
}
END_TEST

START_TEST(pass_within_the_body_ends_its_host)
{
	let_on(FRAME_MORE | FRAME_PIECES);
	answer("hello");
	say_pass(FRAME_MORE);
	say_pass(FRAME_MORE);
	ck_assert_int_eq(fake.lost, 1);
}
END_TEST

START_TEST(a_reply_while_another_is_awaited_ends_its_host)
{
	let_on(FRAME_MORE);
	if (_i == 0) {
		pack_reply(&fake, id, "early");
	} else {
		pack_start(&fake, id, "5");
	}
	say_all();
	expect_lost();
}
END_TEST

START_TEST(data_before_pass_ends_its_host)
{
	let_on(FRAME_MORE | FRAME_PIECES);
	answer("hello");
	say(&fake, FRAME_DATA, 0, 0, id, SLICE("hello"));
	say_all();
	expect_lost();
}
END_TEST

START_TEST(later_behind_next_ends_its_host)
{
	let_on(FRAME_MORE);
	say(&fake, FRAME_LATER, 0, 0, id, SLICE(""));
	say_all();
	expect_lost();
}
END_TEST

START_TEST(a_window_of_one_that_wants_no_body_ends_its_host)
{
	uint32_t more = 1;

	let_on(FRAME_MORE);
	say(&fake, FRAME_WINDOW_MORE, 0, 0, id,
	    (struct slice){ (const char *)&more, sizeof(more) });
	say_all();
	expect_lost();
}
END_TEST

START_TEST(more_than_the_whole_window_ends_its_host)
{
	uint32_t more = FRAME_WINDOW + 1;

	let_on(FRAME_MORE | FRAME_PIECES);
	say(&fake, FRAME_WINDOW_MORE, 0, 0, id,
	    (struct slice){ (const char *)&more, sizeof(more) });
	say_all();
	expect_lost();
}
END_TEST

/* Bad contents */

static const struct {
	uint8_t kind;
	const char *name;
	const char *value;
} bad_edits[] = { { EDIT_KINDS, "x-a", "b" }, { 255, "x-a", "b" },
	{ EDIT_SET, "", "b" }, { EDIT_SET, "x a", "b" }, { EDIT_SET, "x-a", "b\r\nc: d" },
	{ EDIT_ADD, "connection", "close" }, { EDIT_SET, "transfer-encoding", "chunked" },
	{ EDIT_REQUEST, "content-length", "5" }, { EDIT_REQUEST, "x-a", "\n" },
	{ EDIT_SET, "content-length", "-1" } };

START_TEST(an_edit_that_no_filter_may_make_ends_its_host)
{
	pack_next(0, bad_edits[_i].kind, bad_edits[_i].name, bad_edits[_i].value);
	say_all();
	expect_lost();
	ck_assert_int_ne(stage.state, STAGE_BEHIND);
}
END_TEST

/* The frame without its last bytes, or with one too many. */
static void say_cut(size_t cut, bool more)
{
	struct slice bytes = buffer_slice(&fake.out);
	struct frame frame;
	char *copy;

	ck_assert_int_eq(frame_next(&bytes, &frame), 0);
	copy = malloc(frame.payload.size + 1);
	ck_assert_ptr_nonnull(copy);
	memcpy(copy, frame.payload.data, frame.payload.size);
	copy[frame.payload.size] = '\0';
	buffer_reset(&fake.out);
	say(&fake, frame.header.type, frame.header.flags, 0, id,
	    (struct slice){ copy, more ? frame.payload.size + 1 : cut });
	free(copy);
	say_all();
}

START_TEST(a_next_that_is_cut_ends_its_host)
{
	pack_next(0, EDIT_SET, "x-a", "b");
	/* u32, u8, u8, "x-a", "b": 20 bytes. */
	say_cut((size_t)_i, _i == 20);
	expect_lost();
}
END_TEST

START_TEST(a_pass_that_is_cut_ends_its_host)
{
	let_on(FRAME_MORE);
	answer("hello");
	pack_pass(0, 5, "x");
	/* u64, u32, "x", "passed": 29 bytes. */
	say_cut((size_t)_i, _i == 29);
	expect_lost();
}
END_TEST

START_TEST(a_pass_of_fields_that_are_the_servers_ends_its_host)
{
	static const char *const names[] = { "connection", "upgrade",
		"transfer-encoding", "x y", "" };

	let_on(FRAME_MORE);
	answer("hello");
	pack_pass(0, 5, names[_i]);
	say_all();
	expect_lost();
}
END_TEST

START_TEST(a_pass_of_another_length_breaks_the_reply)
{
	let_on(FRAME_MORE);
	answer("hello");
	pack_pass(0, 3, "x-pass");
	say_all();
	ck_assert_int_ne(call.exchange.state, EXCHANGE_OPEN);
	ck_assert(call.exchange.state == EXCHANGE_BROKEN ||
	    call.exchange.reply.status == 502);
}
END_TEST

START_TEST(edits_past_every_bound_are_500)
{
	enum { MANY = 2000 };
	size_t mark;

	ck_assert_int_eq(frame_begin(&fake.out, FRAME_NEXT, 0, id, &mark), 0);
	ck_assert_int_eq(pack_u32(&fake.out, MANY), 0);
	for (int i = 0; i < MANY; i++) {
		pack_edit(EDIT_ADD, "x-many", "forty bytes, or a few less, or some more");
	}
	ck_assert_int_eq(frame_end(&fake.out, mark, FRAME_MORE), 0);
	say_all();
	check_status(&call, 500);
	ck_assert_int_eq(fake.lost, 0);
	ck_assert_uint_eq(expect(&fake, FRAME_CANCEL), id);
}
END_TEST

static void add_wrong_states(TCase *tcase)
{
	tcase_add_test(tcase, next_twice_ends_its_host);
	tcase_add_test(tcase, next_of_a_handler_ends_its_host);
	tcase_add_loop_test(tcase, next_and_pass_of_no_call_end_their_host, 0, 2);
	tcase_add_test(tcase, pass_before_next_ends_its_host);
	tcase_add_test(tcase, pass_before_there_is_a_reply_ends_its_host);
	tcase_add_test(tcase, a_second_pass_moves_nothing);
	tcase_add_test(tcase, pass_with_a_body_that_nobody_asked_for_ends_its_host);
	tcase_add_test(tcase, pass_within_the_body_ends_its_host);
	tcase_add_loop_test(tcase, a_reply_while_another_is_awaited_ends_its_host, 0, 2);
	tcase_add_test(tcase, data_before_pass_ends_its_host);
	tcase_add_test(tcase, later_behind_next_ends_its_host);
	tcase_add_test(tcase, a_window_of_one_that_wants_no_body_ends_its_host);
	tcase_add_test(tcase, more_than_the_whole_window_ends_its_host);
}

static void add_bad_contents(TCase *tcase)
{
	tcase_add_loop_test(tcase, an_edit_that_no_filter_may_make_ends_its_host, 0,
	    (int)(sizeof(bad_edits) / sizeof(bad_edits[0])));
	tcase_add_loop_test(tcase, a_next_that_is_cut_ends_its_host, 0, 21);
	tcase_add_loop_test(tcase, a_pass_that_is_cut_ends_its_host, 0, 30);
	tcase_add_loop_test(tcase, a_pass_of_fields_that_are_the_servers_ends_its_host,
	    0, 5);
	tcase_add_test(tcase, a_pass_of_another_length_breaks_the_reply);
	tcase_add_test(tcase, edits_past_every_bound_are_500);
}

int main(void)
{
	Suite *suite = suite_create("filter_breaches");
	TCase *tcase = tcase_create("filter_breaches");

	tcase_add_checked_fixture(tcase, set_up_filter, tear_down_filter);
	tcase_set_timeout(tcase, 60);
	add_wrong_states(tcase);
	add_bad_contents(tcase);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
