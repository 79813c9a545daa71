/* SPDX-License-Identifier: MIT */
/* A filter whose host may say anything, about a request that somebody else answers. */
#include "remote/filter.h"

#include "exchange/stage.h"
#include "fake_host.h"
#include "unit.h"

static struct exchange inner;
static struct stage stage;
static int wakes;		/* of the stage, not yet done */
static uint64_t id;		/* of the call */

static void on_stage(struct stage *of)
{
	ck_assert_ptr_eq(of, &stage);
	wakes++;
}

static void on_next(struct stage *of)
{
	stage_enter(of, &inner);
}

static const struct stage_ops stage_ops = { .wake = on_stage, .rest = on_stage,
	.next = on_next };

/* Until nothing is to be done any more. */
static void settle(void)
{
	for (int rounds = 0; wakes > 0; rounds++) {
		ck_assert_int_lt(rounds, 1000);
		wakes = 0;
		stage_run(&stage);
		turn();
	}
}

static void say_all(void)
{
	flush(&fake);
	settle();
}

/* A call of the filter, which its host has. */
static void ask(enum http_method method)
{
	struct frame frame;

	memset(&call, 0, sizeof(call));
	wakes = 0;
	rig_begin(&call, method, "/x");
	call.exchange.match.pattern = "/*";
	stage_init(&stage, &call.exchange, &stage_ops, NULL);
	remote_call(fake.remote, fake.instance, &call.exchange, TIMEOUT_MS);
	turn();
	do {
		ck_assert(hear(&fake, &frame));
		id = frame.header.id;
	} while (frame.header.type != FRAME_FILTER);
	ck_assert_int_eq(stage.state, STAGE_ASKED);
}

static void end_call(void)
{
	stage_release(&stage);
	rig_end(&call);
	exchange_release(&inner);
}

static void set_up_filter(void)
{
	set_up();
	ask(HTTP_GET);
}

static void tear_down_filter(void)
{
	end_call();
	tear_down();
}

static void pack_edit(uint8_t kind, const char *name, const char *value)
{
	ck_assert_int_eq(pack_u8(&fake.out, kind), 0);
	ck_assert_int_eq(pack_u8(&fake.out, value != NULL), 0);
	ck_assert_int_eq(pack_text(&fake.out, slice_of(name)), 0);
	ck_assert_int_eq(pack_text(&fake.out, slice_of(value == NULL ? "" : value)), 0);
}

/* NEXT with that one edit. */
static void pack_next(uint8_t flags, uint8_t kind, const char *name, const char *value)
{
	size_t mark;

	ck_assert_int_eq(frame_begin(&fake.out, FRAME_NEXT, 0, id, &mark), 0);
	ck_assert_int_eq(pack_u32(&fake.out, 1), 0);
	pack_edit(kind, name, value);
	ck_assert_int_eq(frame_end(&fake.out, mark, flags), 0);
}

static void say_next(uint8_t flags)
{
	pack_next(flags, EDIT_SET, "x-next", "1");
	say_all();
}

static void let_on(uint8_t flags)
{
	say_next(flags);
	ck_assert_int_eq(fake.lost, 0);
	ck_assert_int_eq(stage.state, STAGE_BEHIND);
}

/* What is behind answers. */
static void answer(const char *text)
{
	ck_assert_int_eq(exchange_reply(&inner, 200, "text/plain", text, strlen(text)),
	    0);
	settle();
}

/* PASS with the length that it says, or ~0, and one field. */
static void pack_pass(uint8_t flags, uint64_t length, const char *name)
{
	size_t mark;

	ck_assert_int_eq(frame_begin(&fake.out, FRAME_PASS, 0, id, &mark), 0);
	ck_assert_int_eq(pack_u64(&fake.out, length), 0);
	ck_assert_int_eq(pack_u32(&fake.out, 1), 0);
	ck_assert_int_eq(pack_text(&fake.out, slice_of(name)), 0);
	ck_assert_int_eq(pack_text(&fake.out, SLICE("passed")), 0);
	ck_assert_int_eq(frame_end(&fake.out, mark, flags), 0);
}

static void say_pass(uint8_t flags)
{
	pack_pass(flags, UINT64_MAX, "x-pass");
	say_all();
}

/* What it said makes no sense: it is done with, once it is dead the request is 502, and
 * nothing more comes of it. */
static void expect_lost(void)
{
	ck_assert_int_eq(fake.lost, 1);
	die(&fake);
	settle();
	check_status(&call, 502);
	check_works(&other);
}

static void expect_whole(const char *text)
{
	check_status(&call, 200);
	ck_assert_str_eq(rig_body(&call), text);
	ck_assert(!call.exchange.held);
}

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
	Suite *suite = suite_create("remote_filter");
	TCase *tcase = tcase_create("filter");

	tcase_add_checked_fixture(tcase, set_up_filter, tear_down_filter);
	tcase_set_timeout(tcase, 60);
	add_in_order(tcase);
	add_ends(tcase);
	add_wrong_states(tcase);
	add_bad_contents(tcase);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
