/* SPDX-License-Identifier: MIT */
/* Frames in and out of a byte stream, whole, cut and of sizes that make no sense. */
#include "ipc/frame.h"

#include <stdlib.h>

#include "unit.h"

static struct buffer out;

static void setup(void)
{
	buffer_init(&out, 4 * FRAME_MAX);
}

static void teardown(void)
{
	buffer_release(&out);
}

START_TEST(takes_frames_in_the_order_they_were_appended)
{
	struct frame frame;
	struct slice bytes;

	ck_assert_int_eq(frame_append(&out, FRAME_DATA, 0, 7, 11, SLICE("first")), 0);
	ck_assert_int_eq(frame_append(&out, FRAME_END, FRAME_BROKEN, 8, 12, SLICE("")),
	    0);
	bytes = buffer_slice(&out);
	ck_assert_int_eq(frame_next(&bytes, &frame), 0);
	ck_assert_uint_eq(frame.header.type, FRAME_DATA);
	ck_assert_uint_eq(frame.header.flags, 0);
	ck_assert_uint_eq(frame.header.code, 7);
	ck_assert_uint_eq(frame.header.id, 11);
	ck_assert(slice_equal(frame.payload, SLICE("first")));
	ck_assert_int_eq(frame_next(&bytes, &frame), 0);
	ck_assert_uint_eq(frame.header.type, FRAME_END);
	ck_assert_uint_eq(frame.header.flags, FRAME_BROKEN);
	ck_assert_uint_eq(frame.payload.size, 0);
	ck_assert_int_eq(frame_next(&bytes, &frame), ERR_AGAIN);
	ck_assert_uint_eq(bytes.size, 0);
}
END_TEST

START_TEST(waits_for_the_whole_of_a_frame)
{
	struct frame frame;

	ck_assert_int_eq(frame_append(&out, FRAME_LOG, 0, 0, 1, SLICE("text")), 0);
	for (size_t size = 0; size < out.size; size++) {
		/* A copy of just those, so that ASan sees what is read behind them. */
		char *part = malloc(size + 1);
		struct slice bytes = { part, size };

		ck_assert_ptr_nonnull(part);
		memcpy(part, out.data, size);
		ck_assert_int_eq(frame_next(&bytes, &frame), ERR_AGAIN);
		ck_assert_uint_eq(bytes.size, size);
		free(part);
	}
}
END_TEST

START_TEST(refuses_a_size_that_makes_no_sense)
{
	static const uint32_t sizes[] = { 0, 1, 15, FRAME_MAX + 1, UINT32_MAX };
	struct frame_header header = { .type = FRAME_LOG };
	struct slice bytes = { (const char *)&header, sizeof(header) };
	struct frame frame;

	header.size = sizes[_i];
	ck_assert_int_eq(frame_next(&bytes, &frame), ERR_PROTOCOL);
}
END_TEST

START_TEST(takes_a_frame_that_is_too_big_off_again)
{
	size_t most = FRAME_MAX - sizeof(struct frame_header);
	char *payload = calloc(1, most + 1);

	ck_assert_ptr_nonnull(payload);
	ck_assert_int_eq(frame_append(&out, FRAME_DATA, 0, 0, 1, SLICE("before")), 0);
	size_t before = out.size;
	ck_assert_int_eq(frame_append(&out, FRAME_DATA, 0, 0, 1,
	    (struct slice){ payload, most + 1 }), ERR_LIMIT);
	ck_assert_uint_eq(out.size, before);
	ck_assert_int_eq(frame_append(&out, FRAME_DATA, 0, 0, 1,
	    (struct slice){ payload, most }), 0);
	ck_assert_uint_eq(out.size, before + FRAME_MAX);
	free(payload);
}
END_TEST

START_TEST(leaves_a_buffer_that_is_full_as_it_was)
{
	struct buffer small;

	buffer_init(&small, sizeof(struct frame_header) + 3);
	ck_assert_int_eq(frame_append(&small, FRAME_DATA, 0, 0, 1, SLICE("four")),
	    ERR_LIMIT);
	ck_assert_uint_eq(small.size, 0);
	ck_assert_int_eq(frame_append(&small, FRAME_DATA, 0, 0, 1, SLICE("3rd")), 0);
	buffer_release(&small);
}
END_TEST

START_TEST(writes_into_a_buffer_whose_front_was_consumed)
{
	struct slice bytes;
	struct frame frame;
	size_t mark;

	ck_assert_int_eq(buffer_append(&out, "gone", 4), 0);
	ck_assert_int_eq(frame_append(&out, FRAME_DATA, 0, 0, 1, SLICE("kept")), 0);
	buffer_consume(&out, 4);
	ck_assert_int_eq(frame_begin(&out, FRAME_START, 200, 2, &mark), 0);
	ck_assert_int_eq(buffer_append(&out, "later", 5), 0);
	ck_assert_int_eq(frame_end(&out, mark, FRAME_LAST), 0);
	bytes = buffer_slice(&out);
	ck_assert_int_eq(frame_next(&bytes, &frame), 0);
	ck_assert(slice_equal(frame.payload, SLICE("kept")));
	ck_assert_int_eq(frame_next(&bytes, &frame), 0);
	ck_assert(slice_equal(frame.payload, SLICE("later")));
	ck_assert_uint_eq(frame.header.flags, FRAME_LAST);
	ck_assert_uint_eq(frame.header.code, 200);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("frame");
	TCase *tcase = tcase_create("frame");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, takes_frames_in_the_order_they_were_appended);
	tcase_add_test(tcase, waits_for_the_whole_of_a_frame);
	tcase_add_loop_test(tcase, refuses_a_size_that_makes_no_sense, 0, 5);
	tcase_add_test(tcase, takes_a_frame_that_is_too_big_off_again);
	tcase_add_test(tcase, leaves_a_buffer_that_is_full_as_it_was);
	tcase_add_test(tcase, writes_into_a_buffer_whose_front_was_consumed);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
