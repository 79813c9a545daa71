/* SPDX-License-Identifier: MIT */
/* Frames told apart, however their bytes come. */
#include "http/h2_frames.h"

#include "unit.h"

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

struct seen {
	struct h2_frame frames[8];
	size_t count;
	char passed[256];	/* all pieces, one behind the other */
	size_t passed_size;
};

/* Gives all of bytes, at most step at a time. */
static void give(struct seen *seen, struct slice bytes, size_t step)
{
	struct h2_frames frames;

	memset(seen, 0, sizeof(*seen));
	h2_frames_init(&frames);
	while (bytes.size > 0) {
		struct slice part = { bytes.data, bytes.size < step ? bytes.size : step };

		slice_skip(&bytes, part.size);
		while (part.size > 0) {
			struct slice piece;

			ck_assert_uint_lt(seen->count, 8);
			seen->count += h2_frames_next(&frames, &part, &piece,
			    &seen->frames[seen->count]);
			memcpy(seen->passed + seen->passed_size, piece.data, piece.size);
			seen->passed_size += piece.size;
		}
	}
}

static const char example[] =
    PREFACE
    "\0\0\0\x04\0\0\0\0\0"				/* SETTINGS */
    "\0\0\x05\x02\0\0\0\0\x03" "\x80\0\0\x03\x10"	/* PRIORITY on itself */
    "\0\0\x04\x02\0\0\0\0\x05" "\0\0\0\x05"		/* PRIORITY too short */
    "\0\0\x03\x01\x05\x80\0\0\x07" "abc"		/* HEADERS, reserved bit set */
    "\0\0\x01\0\x01\0\0\0\x07" "d"			/* DATA */
    "\0\0\x07\x10\0\0\0\0\0" "\0\0\0\x05u=1";	/* PRIORITY_UPDATE */

START_TEST(tells_frames_however_they_are_cut)
{
	const struct slice all = { example, sizeof(example) - 1 };

	for (size_t step = 1; step <= all.size; step++) {
		struct seen seen;

		give(&seen, all, step);
		ck_assert_uint_eq(seen.count, 6);
		ck_assert_uint_eq(seen.frames[0].type, H2_SETTINGS);
		ck_assert_uint_eq(seen.frames[1].type, H2_PRIORITY);
		ck_assert_uint_eq(seen.frames[1].stream, 3);
		ck_assert_uint_eq(seen.frames[1].other, 3);
		ck_assert_uint_eq(seen.frames[2].type, H2_PRIORITY);
		ck_assert_uint_eq(seen.frames[2].size, 4);
		ck_assert_uint_eq(seen.frames[2].other, 0);
		ck_assert_uint_eq(seen.frames[3].type, H2_HEADERS);
		ck_assert_uint_eq(seen.frames[3].flags, H2_END_STREAM | H2_END_HEADERS);
		ck_assert_uint_eq(seen.frames[3].stream, 7);
		ck_assert_uint_eq(seen.frames[4].type, H2_DATA);
		ck_assert_uint_eq(seen.frames[4].size, 1);
		ck_assert_uint_eq(seen.frames[5].type, H2_PRIORITY_UPDATE);
		ck_assert_uint_eq(seen.frames[5].other, 5);
		ck_assert_uint_eq(seen.passed_size, all.size);
		ck_assert_mem_eq(seen.passed, all.data, all.size);
	}
}
END_TEST

START_TEST(passes_nothing_of_a_header_that_is_not_complete)
{
	struct seen seen;

	give(&seen, (struct slice){ example, sizeof(PREFACE) - 1 + 8 }, 1000);
	ck_assert_uint_eq(seen.count, 0);
	ck_assert_uint_eq(seen.passed_size, sizeof(PREFACE) - 1);
}
END_TEST

START_TEST(knows_the_largest_numbers)
{
	static const char bytes[] = PREFACE "\xff\xff\xff\xff\xff\xff\xff\xff\xff";
	struct seen seen;

	give(&seen, (struct slice){ bytes, sizeof(bytes) - 1 }, 1000);
	ck_assert_uint_eq(seen.count, 1);
	ck_assert_uint_eq(seen.frames[0].size, 0xffffff);
	ck_assert_uint_eq(seen.frames[0].type, 0xff);
	ck_assert_uint_eq(seen.frames[0].stream, INT32_MAX);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("h2_frames");
	TCase *all = tcase_create("frames");

	tcase_add_test(all, tells_frames_however_they_are_cut);
	tcase_add_test(all, passes_nothing_of_a_header_that_is_not_complete);
	tcase_add_test(all, knows_the_largest_numbers);
	suite_add_tcase(suite, all);
	return unit_run(suite);
}
