/* SPDX-License-Identifier: MIT */
/* Frames of the bus: what one end packs the other unpacks, and nothing else. */
#include "remote/bus_frames.h"

#include "ipc/bus_ring.h"
#include "ipc/pack.h"
#include "unit.h"

static struct buffer out;
static char long_topic[BUS_TOPIC_MAX + 1];
static char long_data[BUS_DATA_MAX + 1];

static void set_up(void)
{
	buffer_init(&out, FRAME_MAX);
	memset(long_topic, 'x', sizeof(long_topic));
	memset(long_data, 'y', sizeof(long_data));
}

static void tear_down(void)
{
	buffer_release(&out);
}

/* The one frame in out. */
static struct frame only_frame(enum frame_type type)
{
	struct slice bytes = buffer_slice(&out);
	struct frame frame;

	ck_assert_int_eq(frame_next(&bytes, &frame), 0);
	ck_assert_uint_eq(bytes.size, 0);
	ck_assert_int_eq(frame.header.type, type);
	return frame;
}

START_TEST(a_topic_arrives)
{
	struct slice longest = { long_topic, BUS_TOPIC_MAX };
	struct frame frame;
	struct slice topic;

	ck_assert_int_eq(subscribe_pack(&out, FRAME_UNSUBSCRIBE, longest), 0);
	frame = only_frame(FRAME_UNSUBSCRIBE);
	ck_assert_int_eq(subscribe_unpack(&frame, &topic), 0);
	ck_assert(slice_equal(topic, longest));
}
END_TEST

START_TEST(a_message_arrives)
{
	struct slice most = { long_data, BUS_DATA_MAX };
	struct frame frame;
	struct slice topic;
	struct slice data;

	ck_assert_int_eq(publish_pack(&out, SLICE("room"), most), 0);
	frame = only_frame(FRAME_PUBLISH);
	ck_assert_int_eq(publish_unpack(&frame, &topic, &data), 0);
	ck_assert(slice_equal(topic, SLICE("room")));
	ck_assert(slice_equal(data, most));
}
END_TEST

START_TEST(an_event_arrives)
{
	struct frame frame;
	struct slice topic;
	struct slice data;
	uint64_t lost;

	ck_assert_int_eq(event_pack(&out, SLICE("room"), SLICE("a\0b"), 7), 0);
	frame = only_frame(FRAME_EVENT);
	ck_assert_int_eq(event_unpack(&frame, &topic, &data, &lost), 0);
	ck_assert(slice_equal(topic, SLICE("room")));
	ck_assert(slice_equal(data, SLICE("a\0b")));
	ck_assert_uint_eq(lost, 7);
}
END_TEST

START_TEST(no_topic_is_empty_or_too_long_or_has_a_nul)
{
	const struct slice topics[] = { SLICE(""), { long_topic, BUS_TOPIC_MAX + 1 },
		SLICE("a\0b") };

	for (size_t i = 0; i < 3; i++) {
		struct slice topic;
		struct slice data;
		struct frame frame;

		buffer_reset(&out);
		ck_assert_int_eq(subscribe_pack(&out, FRAME_SUBSCRIBE, topics[i]), 0);
		frame = only_frame(FRAME_SUBSCRIBE);
		ck_assert_int_eq(subscribe_unpack(&frame, &topic), ERR_PROTOCOL);
		buffer_reset(&out);
		ck_assert_int_eq(publish_pack(&out, topics[i], SLICE("data")), 0);
		frame = only_frame(FRAME_PUBLISH);
		ck_assert_int_eq(publish_unpack(&frame, &topic, &data), ERR_PROTOCOL);
	}
}
END_TEST

START_TEST(no_message_is_too_long_or_cut_or_has_more_behind_it)
{
	struct slice topic;
	struct slice data;
	struct frame frame;
	uint64_t lost;

	ck_assert_int_eq(publish_pack(&out, SLICE("room"),
	    (struct slice){ long_data, BUS_DATA_MAX + 1 }), 0);
	frame = only_frame(FRAME_PUBLISH);
	ck_assert_int_eq(publish_unpack(&frame, &topic, &data), ERR_PROTOCOL);
	buffer_reset(&out);
	ck_assert_int_eq(event_pack(&out, SLICE("room"), SLICE("data"), 1), 0);
	frame = only_frame(FRAME_EVENT);
	while (frame.payload.size > 0) {
		frame.payload.size--;
		ck_assert_int_eq(event_unpack(&frame, &topic, &data, &lost),
		    ERR_PROTOCOL);
	}
	ck_assert_int_eq(buffer_append(&out, "x", 1), 0);
	frame.payload = buffer_slice(&out);
	slice_skip(&frame.payload, sizeof(frame.header));
	ck_assert_int_eq(event_unpack(&frame, &topic, &data, &lost), ERR_PROTOCOL);
}
END_TEST

START_TEST(what_does_not_fit_leaves_nothing)
{
	out.max = 20;
	ck_assert_int_eq(publish_pack(&out, SLICE("room"), SLICE("data")), ERR_LIMIT);
	ck_assert_int_eq(event_pack(&out, SLICE("room"), SLICE("data"), 0), ERR_LIMIT);
	ck_assert_uint_eq(out.size, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bus_frames");
	TCase *tests = tcase_create("bus_frames");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_topic_arrives);
	tcase_add_test(tests, a_message_arrives);
	tcase_add_test(tests, an_event_arrives);
	tcase_add_test(tests, no_topic_is_empty_or_too_long_or_has_a_nul);
	tcase_add_test(tests, no_message_is_too_long_or_cut_or_has_more_behind_it);
	tcase_add_test(tests, what_does_not_fit_leaves_nothing);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
