/* SPDX-License-Identifier: MIT */
/* The bus to and from a plugin in a host. */
#include "fake_host.h"
#include "remote/bus_frames.h"
#include "unit.h"

static void say_publish(const char *topic, const char *data)
{
	ck_assert_int_eq(publish_pack(&fake.out, slice_of(topic), slice_of(data)), 0);
}

START_TEST(its_host_speaks_for_its_handler_alone)
{
	say(&fake, FRAME_SUBSCRIBE, 0, 0, 0, SLICE("room"));
	flush(&fake);
	ck_assert_str_eq(fake.bus, "+bad room");
	say_publish("room", "hello");
	flush(&fake);
	ck_assert_str_eq(fake.bus, "!bad room: hello");
	say(&fake, FRAME_UNSUBSCRIBE, 0, 0, 0, SLICE("room"));
	flush(&fake);
	ck_assert_str_eq(fake.bus, "-bad room");
	ck_assert_int_eq(fake.lost, 0);
}
END_TEST

START_TEST(a_topic_that_makes_no_sense_ends_its_host)
{
	say(&fake, FRAME_SUBSCRIBE, 0, 0, 0, SLICE("a\0b"));
	flush(&fake);
	ck_assert_str_eq(fake.bus, "");
	ck_assert_int_eq(fake.lost, 1);
}
END_TEST

START_TEST(a_host_that_dies_subscribes_no_more)
{
	die(&fake);
	ck_assert_int_eq(fake.silent, 1);
	ck_assert_int_eq(remote_event(fake.remote, SLICE("bad\0room"), SLICE("x"), 0),
	    ERR_CLOSED);
}
END_TEST

START_TEST(an_event_reaches_its_host)
{
	struct frame frame;
	struct slice topic;
	struct slice data;
	uint64_t lost;

	expect(&fake, FRAME_OPEN);
	ck_assert_int_eq(remote_event(fake.remote, SLICE("bad\0room"), SLICE("hello"),
	    5), 0);
	turn();
	ck_assert(hear(&fake, &frame));
	ck_assert_int_eq(event_unpack(&frame, &topic, &data, &lost), 0);
	ck_assert(slice_equal(topic, SLICE("room")));
	ck_assert(slice_equal(data, SLICE("hello")));
	ck_assert_uint_eq(lost, 5);
}
END_TEST

START_TEST(events_do_not_pile_up_before_a_slow_host)
{
	static char data[BUS_DATA_MAX];
	struct slice most = { data, sizeof(data) };
	int sent = 0;

	while (remote_event(fake.remote, SLICE("bad\0room"), most, 0) == 0) {
		ck_assert_int_lt(++sent, 100);
		turn();
	}
	ck_assert_int_eq(remote_event(fake.remote, SLICE("bad\0room"), most, 0),
	    ERR_LIMIT);
	ck_assert_int_ge(sent, 256 * 1024 / BUS_DATA_MAX);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("remote_bus");
	TCase *tests = tcase_create("bus");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, its_host_speaks_for_its_handler_alone);
	tcase_add_test(tests, a_topic_that_makes_no_sense_ends_its_host);
	tcase_add_test(tests, a_host_that_dies_subscribes_no_more);
	tcase_add_test(tests, an_event_reaches_its_host);
	tcase_add_test(tests, events_do_not_pile_up_before_a_slow_host);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
