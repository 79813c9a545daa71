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

int main(void)
{
	Suite *suite = suite_create("job");
	TCase *tcase = tcase_create("job");

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
	return unit_run(suite);
}
