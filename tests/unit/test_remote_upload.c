/* SPDX-License-Identifier: MIT */
/* Bodies that stream to a handler in a host: what the host lets through, and no more. */
#include "fake_host.h"
#include "unit.h"

/* A call whose body streams, which the host has begun: its id. */
static uint64_t begin_upload(void)
{
	uint64_t id;

	memset(&call, 0, sizeof(call));
	rig_begin(&call, HTTP_POST, "/x");
	call.exchange.match.pattern = "/*";
	upload_begin(&call.exchange, UINT64_MAX);
	buffer_init(&call.exchange.body, 1 << 20);
	remote_call(fake.remote, fake.instance, &call.exchange, TIMEOUT_MS);
	turn();
	expect(&fake, FRAME_OPEN);
	id = expect(&fake, FRAME_REQUEST);
	ck_assert(!upload_wants(&call.exchange));
	return id;
}

static void feed(size_t size, bool last)
{
	static const char text[FRAME_DATA_MAX];
	const char *reason;

	ck_assert_int_eq(upload_feed(&call.exchange, (struct slice){ text, size }, last,
	    &reason), 0);
	turn();
}

static void grant(uint64_t id, uint32_t more)
{
	say(&fake, FRAME_WINDOW_MORE, 0, 0, id,
	    (struct slice){ (const char *)&more, sizeof(more) });
	flush(&fake);
}

START_TEST(a_body_streams_within_the_window_of_the_host)
{
	uint64_t id = begin_upload();
	struct frame frame;

	say(&fake, FRAME_LATER, 0, 0, id, SLICE(""));
	flush(&fake);
	feed(10, false);
	ck_assert(!hear(&fake, &frame));
	grant(id, 25);
	ck_assert_int_ge(call.wakes, 1);
	upload_go_on(&call.exchange);
	turn();
	ck_assert(hear(&fake, &frame));
	ck_assert_int_eq(frame.header.type, FRAME_BODY);
	ck_assert_uint_eq(frame.payload.size, 10);
	ck_assert_int_eq(frame.header.flags, 0);
	ck_assert(upload_wants(&call.exchange));
	/* The piece that passes the window is the last for now. */
	feed(20, false);
	ck_assert(!upload_wants(&call.exchange));
	ck_assert(hear(&fake, &frame));
	ck_assert_uint_eq(frame.payload.size, 20);
	feed(0, true);
	ck_assert(!hear(&fake, &frame));
	grant(id, 30);
	upload_go_on(&call.exchange);
	turn();
	ck_assert(hear(&fake, &frame));
	ck_assert_int_eq(frame.header.flags, FRAME_LAST);
	pack_reply(&fake, id, "done");
	flush(&fake);
	check_status(&call, 200);
	rig_end(&call);
}
END_TEST

START_TEST(a_body_can_go_to_the_next_host_until_one_has_begun_with_it)
{
	uint64_t id = begin_upload();

	die(&fake);
	ck_assert_int_eq(call.exchange.state, EXCHANGE_OPEN);
	attach(&fake);
	expect(&fake, FRAME_OPEN);
	ck_assert_uint_eq(expect(&fake, FRAME_REQUEST), id);
	say(&fake, FRAME_LATER, 0, 0, id, SLICE(""));
	flush(&fake);
	grant(id, 100);
	feed(10, false);
	die(&fake);
	check_status(&call, 502);
	rig_end(&call);
	attach(&fake);
}
END_TEST

START_TEST(a_window_that_makes_no_sense_ends_its_host)
{
	static const struct {
		bool later;
		uint32_t more[2];
	} bad[] = { { false, { 1, 0 } }, { true, { FRAME_WINDOW + 1, 0 } },
		{ true, { FRAME_WINDOW, 1 } }, { true, { UINT32_MAX, 0 } } };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint64_t id = begin_upload();

		fake.lost = 0;
		if (bad[i].later) {
			say(&fake, FRAME_LATER, 0, 0, id, SLICE(""));
		}
		grant(id, bad[i].more[0]);
		if (bad[i].more[1] > 0) {
			ck_assert_int_eq(fake.lost, 0);
			grant(id, bad[i].more[1]);
		}
		ck_assert_int_eq(fake.lost, 1);
		rig_end(&call);
		die(&fake);
		attach(&fake);
	}
}
END_TEST

START_TEST(a_body_that_does_not_stream_has_no_window)
{
	uint64_t id = begin(&fake, &call);

	say(&fake, FRAME_LATER, 0, 0, id, SLICE(""));
	grant(id, 1);
	ck_assert_int_eq(fake.lost, 1);
	rig_end(&call);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("remote_upload");
	TCase *tests = tcase_create("remote_upload");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_body_streams_within_the_window_of_the_host);
	tcase_add_test(tests, a_body_can_go_to_the_next_host_until_one_has_begun_with_it);
	tcase_add_test(tests, a_window_that_makes_no_sense_ends_its_host);
	tcase_add_test(tests, a_body_that_does_not_stream_has_no_window);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
