/* SPDX-License-Identifier: MIT */
/* A filter in a host process, whose peer may say anything of the reply from behind. */
#include "host/screen.h"

#include "exchange/stage.h"
#include "host_rig.h"
#include "unit.h"

static struct host_rig host;
static struct rig_exchange behind;	/* what its peer says */

static void set_up(void)
{
	host_rig_start(&host, "sieve");
	rig_begin(&behind, HTTP_GET, "/x");
}

static void tear_down(void)
{
	rig_end(&behind);
	host_rig_close(&host);
}

/* FILTER, of a request that tells the sieve what to do. */
static void ask(uint64_t id, enum http_method method, const char *action)
{
	struct rig_exchange exchange = { 0 };
	struct stage stage = { 0 };
	char field[64];

	rig_begin(&exchange, method, "/x");
	exchange.exchange.match.pattern = "/*";
	exchange.exchange.stage = &stage;
	snprintf(field, sizeof(field), "s %s", action);
	ck_assert_int_eq(head_add(&exchange.exchange.request.head, SLICE("x-sieve"),
	    slice_of(field)), 0);
	host_rig_request(&host, id, 1, &exchange);
	exchange.exchange.stage = NULL;
	rig_end(&exchange);
	host_rig_send(&host);
}

static struct frame expect(enum frame_type type, uint64_t id)
{
	return host_rig_expect_of(&host, type, id);
}

static void expect_line(const char *text)
{
	struct frame frame;

	do {
		ck_assert_int_eq(host_rig_next(&host, &frame), 0);
	} while (frame.header.type != FRAME_LOG ||
	    memmem(frame.payload.data, frame.payload.size, text, strlen(text)) == NULL);
}

static void let_on(uint64_t id, const char *action)
{
	ask(id, HTTP_GET, action);
	ck_assert_int_eq(expect(FRAME_NEXT, id).header.flags, FRAME_MORE | FRAME_PIECES);
}

/* START of a reply from behind, of that length (-1: unknown). */
static void pack_start(uint64_t id, int status, int64_t length, bool at_once)
{
	rig_end(&behind);
	rig_begin(&behind, HTTP_GET, "/x");
	behind.exchange.reply.status = status;
	behind.exchange.reply.content_length = length;
	ck_assert_int_eq(head_add(&behind.exchange.reply.head, SLICE("content-type"),
	    SLICE("text/plain")), 0);
	ck_assert_int_eq(reply_pack_seen(&host.out, id, &behind.exchange, at_once), 0);
}

static void pack_data(uint64_t id, struct slice bytes)
{
	ck_assert_int_eq(frame_append(&host.out, FRAME_DATA, 0, 0, id, bytes), 0);
}

static void pack_end(uint64_t id)
{
	ck_assert_int_eq(frame_append(&host.out, FRAME_END, 0, 0, id,
	    (struct slice){ "\0\0\0\0", 4 }), 0);
}

static void cancel(uint64_t id, uint8_t flags)
{
	ck_assert_int_eq(frame_append(&host.out, FRAME_CANCEL, flags, 0, id, SLICE("")),
	    0);
	host_rig_send(&host);
}

/* A whole small reply. */
static void answer(uint64_t id, const char *text)
{
	pack_start(id, 200, (int64_t)strlen(text), true);
	pack_data(id, slice_of(text));
	pack_end(id);
	host_rig_send(&host);
}

static void expect_data(uint64_t id, const char *text)
{
	struct frame frame = expect(FRAME_DATA, id);

	ck_assert(slice_equal(frame.payload, slice_of(text)));
}

static void check_works(void)
{
	let_on(77, "upper");
	answer(77, "hello");
	ck_assert_int_eq(expect(FRAME_PASS, 77).header.flags, FRAME_MORE);
	expect_data(77, "HELLO");
	ck_assert_int_eq(expect(FRAME_END, 77).header.flags, 0);
	expect_line("done /x: 1 pieces, 1 last");
}

/* Its peer has broken the protocol. */
static void expect_exit(void)
{
	struct frame frame;

	int status;

	while (host_rig_next(&host, &frame) == 0) {
		ck_assert_int_ne(frame.header.type, FRAME_END);
	}
	status = host_rig_wait(&host);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), EXIT_FAILURE);
}

/* In order */

START_TEST(says_what_the_filter_changed_and_what_it_wants)
{
	struct unpack in;
	struct frame next;

	ask(1, HTTP_GET, "later");
	expect(FRAME_LATER, 1);
	next = expect(FRAME_NEXT, 1);
	ck_assert_int_eq(next.header.flags, FRAME_MORE | FRAME_PIECES);
	in = (struct unpack){ .rest = next.payload };
	ck_assert_uint_eq(unpack_u32(&in), 2);
	ck_assert_uint_eq(unpack_u8(&in), EDIT_REQUEST);
	ck_assert_uint_eq(unpack_u8(&in), 1);
	ck_assert_str_eq(unpack_string(&in), "X-Trail");
	ck_assert_str_eq(unpack_string(&in), "s");
	ck_assert_uint_eq(unpack_u8(&in), EDIT_ADD);
	ck_assert_uint_eq(unpack_u8(&in), 1);
	ck_assert_str_eq(unpack_string(&in), "X-Set");
	ck_assert_str_eq(unpack_string(&in), "s");
	ck_assert(unpack_done(&in));
}
END_TEST

START_TEST(denies_at_once_or_later)
{
	ask(1, HTTP_GET, "deny");
	ck_assert_uint_eq(expect(FRAME_REPLY, 1).header.code, 403);
	ask(2, HTTP_GET, "deny later");
	expect(FRAME_LATER, 2);
	ck_assert_uint_eq(expect(FRAME_REPLY, 2).header.code, 403);
	ask(3, HTTP_GET, "fail filter");
	ck_assert_uint_eq(expect(FRAME_REPLY, 3).header.code, 500);
}
END_TEST

START_TEST(a_small_body_comes_and_goes_at_once)
{
	check_works();
}
END_TEST

START_TEST(a_body_that_is_left_alone_stays_with_its_peer)
{
	let_on(1, "alone");
	pack_start(1, 200, 5, false);
	host_rig_send(&host);
	ck_assert_int_eq(expect(FRAME_PASS, 1).header.flags, 0);
	cancel(1, FRAME_LAST);
	ck_assert_int_eq(expect(FRAME_END, 1).header.flags, FRAME_BROKEN);
	expect_line("done /x: 0 pieces, 0 last");
	check_works();
}
END_TEST

START_TEST(replies_in_place_of_what_is_behind)
{
	let_on(1, "replace");
	answer(1, "secret");
	ck_assert_uint_eq(expect(FRAME_REPLY, 1).header.code, 503);
	let_on(2, "fail reply");
	answer(2, "secret");
	ck_assert_uint_eq(expect(FRAME_REPLY, 2).header.code, 500);
	check_works();
}
END_TEST

/* Until that many bytes have come; the windows of the peer that were opened meanwhile. */
static uint32_t take_data(uint64_t id, size_t size)
{
	uint32_t granted = 0;

	while (size > 0) {
		struct frame frame;
		uint32_t more;

		ck_assert_int_eq(host_rig_next(&host, &frame), 0);
		if (frame.header.type == FRAME_WINDOW_MORE) {
			memcpy(&more, frame.payload.data, sizeof(more));
			granted += more;
		} else {
			ck_assert_int_eq(frame.header.type, FRAME_DATA);
			ck_assert_uint_eq(frame.header.id, id);
			ck_assert_uint_le(frame.payload.size, size);
			size -= frame.payload.size;
		}
	}
	return granted;
}

START_TEST(its_peer_may_send_as_much_as_the_filter_has_passed_on)
{
	static char piece[FRAME_DATA_MAX];
	uint32_t granted = 0;
	uint32_t more = FRAME_WINDOW;

	let_on(1, "none");
	pack_start(1, 200, -1, false);
	host_rig_send(&host);
	ck_assert_int_eq(expect(FRAME_PASS, 1).header.flags, FRAME_MORE);
	memcpy(&granted, expect(FRAME_WINDOW_MORE, 1).payload.data, sizeof(granted));
	ck_assert_uint_eq(granted, FRAME_WINDOW - FRAME_DATA_MAX);
	for (int i = 0; i < 8; i++) {
		if (i == 4) {
			/* The client has taken what was said so far. */
			ck_assert_int_eq(frame_append(&host.out, FRAME_WINDOW_MORE, 0, 0,
			    1, (struct slice){ (const char *)&more, sizeof(more) }), 0);
		}
		pack_data(1, (struct slice){ piece, sizeof(piece) });
		host_rig_send(&host);
		granted += take_data(1, sizeof(piece));
	}
	pack_end(1);
	host_rig_send(&host);
	do {
		struct frame frame;

		ck_assert_int_eq(host_rig_next(&host, &frame), 0);
		if (frame.header.type == FRAME_END) {
			break;
		}
		ck_assert_int_eq(frame.header.type, FRAME_WINDOW_MORE);
	} while (true);
	expect_line("1 last");
	ck_assert_uint_ge(granted + FRAME_DATA_MAX, 8 * sizeof(piece));
}
END_TEST

/* Ends */

START_TEST(a_request_that_is_cancelled_is_told_the_filter)
{
	ask(1, HTTP_GET, "never");
	expect(FRAME_LATER, 1);
	cancel(1, 0);
	expect_line("finish: 0");
	ck_assert_int_eq(expect(FRAME_END, 1).header.flags, FRAME_BROKEN);
	expect_line("done /x: 0 pieces, 0 last");
	cancel(1, 0);
	check_works();
}
END_TEST

START_TEST(a_filter_that_has_let_go_need_not_finish)
{
	static const uint8_t flags[] = { 0, FRAME_LAST };

	let_on(1, "none");
	cancel(1, flags[_i]);
	expect(FRAME_END, 1);
	expect_line("done /x: 0 pieces, 0 last");
	let_on(2, "none");
	pack_start(2, 200, 10, false);
	pack_data(2, SLICE("hello"));
	host_rig_send(&host);
	ck_assert_int_eq(expect(FRAME_PASS, 2).header.flags, FRAME_MORE);
	cancel(2, flags[_i]);
	expect_line("done /x: ");
	check_works();
}
END_TEST

START_TEST(last_of_one_that_has_not_let_go_is_a_cancel)
{
	ask(1, HTTP_GET, "never");
	expect(FRAME_LATER, 1);
	cancel(1, FRAME_LAST);
	expect_line("finish: 0");
	expect(FRAME_END, 1);
	check_works();
}
END_TEST

START_TEST(a_reply_that_breaks_off_behind_breaks_off_here)
{
	let_on(1, "none");
	pack_start(1, 200, 10, false);
	pack_data(1, SLICE("hello"));
	ck_assert_int_eq(frame_append(&host.out, FRAME_END, FRAME_BROKEN, 0, 1,
	    (struct slice){ "\0\0\0\0", 4 }), 0);
	host_rig_send(&host);
	ck_assert_int_eq(expect(FRAME_PASS, 1).header.flags, FRAME_MORE);
	expect_line("done /x: ");
	check_works();
}
END_TEST

START_TEST(its_end_tells_filters_that_still_have_requests)
{
	let_on(1, "none");
	ask(2, HTTP_GET, "never");
	expect(FRAME_LATER, 2);
	let_on(3, "none");
	pack_start(3, 200, -1, false);
	host_rig_send(&host);
	close(host.fd);
	host.fd = -1;
	ck_assert_int_eq(host_rig_wait(&host), 0);
}
END_TEST

/* In a wrong state: what may have been on its way is passed over. */

START_TEST(frames_of_no_call_are_passed_over)
{
	pack_start(1, 200, 5, true);
	pack_data(1, SLICE("hello"));
	pack_end(1);
	cancel(1, FRAME_LAST);
	check_works();
}
END_TEST

START_TEST(a_reply_before_next_is_passed_over)
{
	ask(1, HTTP_GET, "never");
	expect(FRAME_LATER, 1);
	answer(1, "hello");
	cancel(1, 0);
	expect(FRAME_END, 1);
	check_works();
}
END_TEST

START_TEST(a_second_start_is_passed_over)
{
	let_on(1, "upper");
	pack_start(1, 200, 5, false);
	pack_start(1, 404, 9, false);
	pack_data(1, SLICE("hello"));
	pack_end(1);
	pack_end(1);
	host_rig_send(&host);
	ck_assert_uint_eq(expect(FRAME_PASS, 1).header.code, 200);
	expect_data(1, "HELLO");
	ck_assert_int_eq(expect(FRAME_END, 1).header.flags, 0);
	check_works();
}
END_TEST

START_TEST(data_before_start_is_passed_over)
{
	let_on(1, "upper");
	pack_data(1, SLICE("early"));
	pack_end(1);
	answer(1, "hello");
	expect(FRAME_PASS, 1);
	expect_data(1, "HELLO");
	expect(FRAME_END, 1);
	check_works();
}
END_TEST

/* Bad contents */

START_TEST(more_than_the_window_ends_it)
{
	static char piece[FRAME_DATA_MAX];

	let_on(1, "none");
	pack_start(1, 200, -1, false);
	for (size_t sent = 0; sent < FRAME_WINDOW; sent += sizeof(piece)) {
		pack_data(1, (struct slice){ piece, sizeof(piece) });
		host_rig_send(&host);
		if (sent == 0) {
			expect(FRAME_PASS, 1);
		}
		take_data(1, sizeof(piece));
	}
	/* What waits for us to take more, and the window behind that. */
	for (size_t sent = 0; sent <= 2 * FRAME_WINDOW; sent += sizeof(piece)) {
		pack_data(1, (struct slice){ piece, sizeof(piece) });
	}
	host_rig_send(&host);
	expect_exit();
}
END_TEST

START_TEST(more_than_the_length_ends_it)
{
	let_on(1, "hold back");
	pack_start(1, 200, 3, false);
	pack_data(1, SLICE("hello"));
	host_rig_send(&host);
	expect_exit();
}
END_TEST

START_TEST(a_status_that_there_is_not_ends_it)
{
	static const int statuses[] = { 0, 101, 199, 600, 65535 };

	let_on(1, "none");
	pack_start(1, statuses[_i], -1, false);
	host_rig_send(&host);
	expect_exit();
}
END_TEST

START_TEST(one_that_must_be_asked_is_asked)
{
	struct rig_exchange exchange = { 0 };
	struct stage stage = { .unasked = true };

	rig_begin(&exchange, HTTP_GET, "/x");
	exchange.exchange.match.pattern = "/*";
	exchange.exchange.stage = &stage;
	host_rig_request(&host, 1, 1, &exchange);
	exchange.exchange.stage = NULL;
	rig_end(&exchange);
	host_rig_send(&host);
	expect_exit();
}
END_TEST

/* u64, u32, "content-type", "text/plain": 44 bytes. */
START_TEST(a_start_that_is_cut_ends_it)
{
	struct slice bytes;
	struct frame frame;
	char payload[64] = "";

	let_on(1, "none");
	pack_start(1, 200, 5, false);
	bytes = buffer_slice(&host.out);
	ck_assert_int_eq(frame_next(&bytes, &frame), 0);
	ck_assert_uint_eq(frame.payload.size, 44);
	memcpy(payload, frame.payload.data, 44);
	buffer_reset(&host.out);
	ck_assert_int_eq(frame_append(&host.out, FRAME_START, 0, 200, 1,
	    (struct slice){ payload, (size_t)_i < 44 ? (size_t)_i : 45 }), 0);
	host_rig_send(&host);
	expect_exit();
}
END_TEST

START_TEST(an_end_that_makes_no_sense_ends_it)
{
	static const struct slice payloads[] = { { "\0\0\0", 3 }, { "\1\0\0\0", 4 },
		{ "\0\0\0\0x", 5 } };

	let_on(1, "hold back");
	pack_start(1, 200, -1, false);
	ck_assert_int_eq(frame_append(&host.out, FRAME_END, 0, 0, 1, payloads[_i]), 0);
	host_rig_send(&host);
	expect_exit();
}
END_TEST

static void add_in_order(TCase *tcase)
{
	tcase_add_test(tcase, says_what_the_filter_changed_and_what_it_wants);
	tcase_add_test(tcase, denies_at_once_or_later);
	tcase_add_test(tcase, a_small_body_comes_and_goes_at_once);
	tcase_add_test(tcase, a_body_that_is_left_alone_stays_with_its_peer);
	tcase_add_test(tcase, replies_in_place_of_what_is_behind);
	tcase_add_test(tcase, its_peer_may_send_as_much_as_the_filter_has_passed_on);
}

static void add_ends(TCase *tcase)
{
	tcase_add_test(tcase, a_request_that_is_cancelled_is_told_the_filter);
	tcase_add_loop_test(tcase, a_filter_that_has_let_go_need_not_finish, 0, 2);
	tcase_add_test(tcase, last_of_one_that_has_not_let_go_is_a_cancel);
	tcase_add_test(tcase, a_reply_that_breaks_off_behind_breaks_off_here);
	tcase_add_test(tcase, its_end_tells_filters_that_still_have_requests);
}

static void add_wrong(TCase *tcase)
{
	tcase_add_test(tcase, frames_of_no_call_are_passed_over);
	tcase_add_test(tcase, a_reply_before_next_is_passed_over);
	tcase_add_test(tcase, a_second_start_is_passed_over);
	tcase_add_test(tcase, data_before_start_is_passed_over);
	tcase_add_test(tcase, one_that_must_be_asked_is_asked);
	tcase_add_test(tcase, more_than_the_window_ends_it);
	tcase_add_test(tcase, more_than_the_length_ends_it);
	tcase_add_loop_test(tcase, a_status_that_there_is_not_ends_it, 0, 5);
	/* Each is a process: some of the places where it can be cut. */
	tcase_add_loop_test(tcase, a_start_that_is_cut_ends_it, 0, 14);
	tcase_add_loop_test(tcase, a_start_that_is_cut_ends_it, 42, 45);
	tcase_add_loop_test(tcase, an_end_that_makes_no_sense_ends_it, 0, 3);
}

int main(void)
{
	Suite *suite = suite_create("screen");
	TCase *tcase = tcase_create("screen");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 60);
	add_in_order(tcase);
	add_ends(tcase);
	add_wrong(tcase);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
