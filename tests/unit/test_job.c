/* SPDX-License-Identifier: MIT */
/* Calls that a real tincan-host answers later. */
#include "host/job.h"

#include "host_rig.h"
#include "unit.h"

static struct host_rig host;

static void set_up(void)
{
	host_rig_start(&host, "later");
}

static void tear_down(void)
{
	host_rig_close(&host);
}

static void ask(uint64_t id, const char *target)
{
	size_t size = strcspn(target, "?");
	struct rig_exchange exchange = { 0 };
	char path[64];

	snprintf(path, sizeof(path), "%.*s", (int)size, target);
	rig_begin(&exchange, HTTP_GET, path);
	exchange.exchange.request.query = slice_of(target + size + (target[size] != 0));
	exchange.exchange.match.pattern = "/*";
	host_rig_request(&host, id, 1, &exchange);
	rig_end(&exchange);
	host_rig_send(&host);
}

static struct frame expect(enum frame_type type, uint64_t id)
{
	struct frame frame = host_rig_expect(&host, type);

	ck_assert_uint_eq(frame.header.id, id);
	return frame;
}

static void expect_log(uint64_t id, const char *text)
{
	struct frame frame = expect(FRAME_LOG, id);

	ck_assert(slice_equal(frame.payload, slice_of(text)));
}

static void expect_cut(uint64_t id)
{
	ck_assert_uint_eq(expect(FRAME_END, id).header.flags, FRAME_BROKEN);
}

static void keep(uint64_t id, const char *path)
{
	ask(id, path);
	expect(FRAME_LATER, id);
}

static void cancel(uint64_t id)
{
	host_rig_pack(&host, FRAME_CANCEL, id);
	host_rig_send(&host);
}

START_TEST(tells_that_it_has_begun_and_answers_later)
{
	keep(1, "/later/keep");
	ck_assert_uint_eq(atomic_load(&host.page->finished), 1);
	ck_assert_uint_eq(atomic_load(&host.page->running), 0);
	keep(2, "/later/keep");
	ask(3, "/later/release");
	expect(FRAME_REPLY, 3);
	ck_assert_uint_eq(expect(FRAME_REPLY, 2).header.code, 200);
	expect(FRAME_REPLY, 1);
	ck_assert_uint_eq(atomic_load(&host.page->finished), 3);
}
END_TEST

START_TEST(answers_from_a_timer)
{
	keep(1, "/later/answer?20");
	ask(2, "/later/tell");
	expect(FRAME_REPLY, 2);
	expect(FRAME_REPLY, 1);
}
END_TEST

START_TEST(a_cancelled_call_ends_when_its_handler_has_finished)
{
	keep(1, "/later/stay");
	cancel(1);
	expect_log(1, "gone: write says -2");
	cancel(1);
	ask(2, "/later/release");
	expect(FRAME_REPLY, 2);
	expect_cut(1);
	keep(3, "/later/keep");
	cancel(3);
	expect_log(3, "gone: write says -2");
	expect_cut(3);
}
END_TEST

START_TEST(an_abort_is_an_end_without_a_start)
{
	keep(1, "/later/abort?1");
	expect_cut(1);
	ask(2, "/later/abort-now");
	expect_cut(2);
}
END_TEST

/* Takes DATA until so many bytes have come. */
static void take(uint64_t id, size_t size)
{
	while (size > 0) {
		size_t part = expect(FRAME_DATA, id).payload.size;

		ck_assert_uint_le(part, size);
		size -= part;
	}
}

static void grant(uint64_t id, uint32_t size)
{
	struct slice credit = { (const char *)&size, sizeof(size) };

	ck_assert_int_eq(frame_append(&host.out, FRAME_WINDOW_MORE, 0, 0, id, credit), 0);
	host_rig_send(&host);
}

START_TEST(a_stream_goes_on_as_its_window_does)
{
	enum { EVENTS = 2000, BYTES = EVENTS * 1024 };
	size_t left = BYTES;

	ask(1, "/later/stream?2000");
	expect(FRAME_START, 1);
	take(1, FRAME_WINDOW);
	left -= FRAME_WINDOW;
	ask(2, "/later/tell");
	expect(FRAME_REPLY, 2);
	while (left > 0) {
		uint32_t more = left < FRAME_WINDOW ? (uint32_t)left : FRAME_WINDOW;

		grant(1, more);
		take(1, more);
		left -= more;
	}
	ck_assert_uint_eq(expect(FRAME_END, 1).header.flags, 0);
}
END_TEST

START_TEST(a_stream_that_is_cancelled_ends)
{
	ask(1, "/later/stream");
	expect(FRAME_START, 1);
	take(1, FRAME_WINDOW);
	cancel(1);
	grant(1, FRAME_WINDOW);
	expect_log(1, "gone: write says -2");
	expect_cut(1);
	ask(2, "/later/tell");
	expect(FRAME_REPLY, 2);
}
END_TEST

START_TEST(a_crash_in_a_timer_is_no_calls)
{
	struct frame frame;

	keep(1, "/later/keep");
	ask(2, "/later/crash-alone?0");
	expect(FRAME_REPLY, 2);
	ck_assert_int_eq(host_rig_next(&host, &frame), ERR_EOF);
	ck_assert(WIFSIGNALED(host_rig_wait(&host)));
	ck_assert_str_eq(page_callback_name(host.page), "a timer");
	ck_assert_uint_eq(atomic_load(&host.page->running), 0);
	ck_assert_str_eq(host.page->request, "");
}
END_TEST

static void pack_retire(uint64_t instance)
{
	ck_assert_int_eq(frame_append(&host.out, FRAME_RETIRE, 0, TC_RELOAD, instance,
	    SLICE("")), 0);
}

START_TEST(a_retired_instance_finishes_what_it_has)
{
	keep(1, "/later/keep");
	pack_retire(1);
	pack_retire(1);
	pack_retire(77);
	host_rig_send(&host);
	expect_log(0, "stopping with 1 requests");
	expect(FRAME_REPLY, 1);
	host_rig_pack(&host, FRAME_SHUT, 1);
	host_rig_send(&host);
	expect_log(0, "closing with 0 requests");
}
END_TEST

START_TEST(an_instance_closes_behind_its_last_call)
{
	keep(1, "/later/answer?30");
	host_rig_pack(&host, FRAME_SHUT, 1);
	host_rig_send(&host);
	expect(FRAME_REPLY, 1);
	expect_log(0, "stopping with 0 requests");
	expect_log(0, "closing with 0 requests");
}
END_TEST

START_TEST(stops_when_the_last_call_is_answered)
{
	keep(1, "/later/answer?30");
	host_rig_pack(&host, FRAME_STOP, 0);
	host_rig_send(&host);
	expect(FRAME_REPLY, 1);
	ck_assert_int_eq(host_rig_wait(&host), 0);
}
END_TEST

START_TEST(its_end_tells_handlers_that_still_hold_calls)
{
	keep(1, "/later/keep");
	keep(2, "/later/stay");
	ask(3, "/later/stream");
	close(host.fd);
	host.fd = -1;
	ck_assert_int_eq(host_rig_wait(&host), 0);
}
END_TEST

static void set_up_upload(void)
{
	host_rig_start(&host, "upload");
}

/* A request whose body streams, or that has this one. */
static void upload(uint64_t id, const char *path, const char *body)
{
	struct rig_exchange exchange = { 0 };

	rig_begin(&exchange, HTTP_POST, path);
	exchange.exchange.match.pattern = "/*";
	if (body == NULL) {
		upload_begin(&exchange.exchange, UINT64_MAX);
	} else {
		buffer_init(&exchange.exchange.body, 1 << 20);
		ck_assert_int_eq(buffer_append(&exchange.exchange.body, body,
		    strlen(body)), 0);
	}
	host_rig_request(&host, id, 1, &exchange);
	rig_end(&exchange);
	host_rig_send(&host);
}

static void send_body(uint64_t id, struct slice bytes, uint8_t flags)
{
	ck_assert_int_eq(frame_append(&host.out, FRAME_BODY, flags, 0, id, bytes), 0);
	host_rig_send(&host);
}

static void expect_window(uint64_t id, uint32_t size)
{
	struct frame frame = expect(FRAME_WINDOW_MORE, id);
	uint32_t more;

	ck_assert_uint_eq(frame.payload.size, sizeof(more));
	memcpy(&more, frame.payload.data, sizeof(more));
	ck_assert_uint_eq(more, size);
}

static void expect_reply(uint64_t id, const char *text)
{
	struct frame frame = expect(FRAME_REPLY, id);

	ck_assert_msg(memmem(frame.payload.data, frame.payload.size, text,
	    strlen(text)) != NULL, "no '%s'", text);
}

START_TEST(a_body_comes_in_pieces_and_its_trailer_behind)
{
	struct rig_exchange exchange = { 0 };

	upload(1, "/upload/count", NULL);
	expect(FRAME_LATER, 1);
	expect_window(1, FRAME_WINDOW);
	send_body(1, SLICE("ab"), 0);
	send_body(1, SLICE("c"), 0);
	rig_begin(&exchange, HTTP_POST, "/");
	ck_assert_int_eq(head_add(&exchange.exchange.request.trailer, SLICE("x-sum"),
	    SLICE("6")), 0);
	ck_assert_int_eq(trailer_pack(&host.out, 1, &exchange.exchange), 0);
	rig_end(&exchange);
	send_body(1, SLICE(""), FRAME_LAST);
	expect_reply(1, "3 38600999 0x-sum6\n");
	/* It may have been on its way. */
	send_body(1, SLICE("d"), FRAME_LAST);
	upload(2, "/upload/tell", NULL);
	expect_reply(2, "0 open, 0 gone, 3 bytes\n");
}
END_TEST

START_TEST(its_peer_may_send_as_much_as_the_handler_has_taken)
{
	static const char piece[FRAME_GRANT / 2];

	upload(1, "/upload/count", NULL);
	expect(FRAME_LATER, 1);
	expect_window(1, FRAME_WINDOW);
	for (int i = 0; i < 6; i++) {
		send_body(1, (struct slice){ piece, sizeof(piece) }, 0);
		if (i % 2 == 1) {
			expect_window(1, FRAME_GRANT);
		}
	}
	cancel(1);
	expect_log(1, "gone after 196608 bytes: pause says -2");
	expect_cut(1);
}
END_TEST

START_TEST(a_handler_that_has_paused_lets_nothing_be_sent)
{
	upload(1, "/upload/hold", NULL);
	expect(FRAME_LATER, 1);
	upload(2, "/upload/resume", NULL);
	expect_reply(2, "1\n");
	expect_window(1, FRAME_WINDOW);
	send_body(1, SLICE("abc"), FRAME_LAST);
	expect_reply(1, "3 38600999 0\n");
}
END_TEST

START_TEST(a_body_that_is_there_comes_at_once)
{
	upload(1, "/upload/count", "abc");
	expect(FRAME_LATER, 1);
	expect_reply(1, "3 38600999 0\n");
	upload(2, "/upload/hold", "abc");
	expect(FRAME_LATER, 2);
	upload(3, "/upload/resume", "");
	expect_reply(3, "1\n");
	expect_reply(2, "3 38600999 0\n");
}
END_TEST

START_TEST(a_crash_in_on_body_is_told_as_one)
{
	struct frame frame;

	upload(1, "/upload/crash", NULL);
	expect(FRAME_LATER, 1);
	expect_window(1, FRAME_WINDOW);
	send_body(1, SLICE("a"), 0);
	ck_assert_int_eq(host_rig_next(&host, &frame), ERR_EOF);
	ck_assert(WIFSIGNALED(host_rig_wait(&host)));
	ck_assert_str_eq(page_callback_name(host.page), "on_body");
	ck_assert_uint_eq(atomic_load(&host.page->running), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("job");
	TCase *tcase = tcase_create("job");
	TCase *uploads = tcase_create("uploads");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, tells_that_it_has_begun_and_answers_later);
	tcase_add_test(tcase, answers_from_a_timer);
	tcase_add_test(tcase, a_cancelled_call_ends_when_its_handler_has_finished);
	tcase_add_test(tcase, an_abort_is_an_end_without_a_start);
	tcase_add_test(tcase, a_stream_goes_on_as_its_window_does);
	tcase_add_test(tcase, a_stream_that_is_cancelled_ends);
	tcase_add_test(tcase, a_crash_in_a_timer_is_no_calls);
	tcase_add_test(tcase, a_retired_instance_finishes_what_it_has);
	tcase_add_test(tcase, an_instance_closes_behind_its_last_call);
	tcase_add_test(tcase, stops_when_the_last_call_is_answered);
	tcase_add_test(tcase, its_end_tells_handlers_that_still_hold_calls);
	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(uploads, set_up_upload, tear_down);
	tcase_set_timeout(uploads, 60);
	tcase_add_test(uploads, a_body_comes_in_pieces_and_its_trailer_behind);
	tcase_add_test(uploads, its_peer_may_send_as_much_as_the_handler_has_taken);
	tcase_add_test(uploads, a_handler_that_has_paused_lets_nothing_be_sent);
	tcase_add_test(uploads, a_body_that_is_there_comes_at_once);
	tcase_add_test(uploads, a_crash_in_on_body_is_told_as_one);
	suite_add_tcase(suite, uploads);
	return unit_run(suite);
}
