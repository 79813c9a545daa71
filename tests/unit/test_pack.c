/* SPDX-License-Identifier: MIT */
/* Numbers and texts there and back, and every way in which bytes can be too few. */
#include "ipc/pack.h"

#include <stdlib.h>

#include "unit.h"

static struct buffer out;

static void setup(void)
{
	buffer_init(&out, 65536);
	ck_assert_int_eq(pack_u8(&out, 200), 0);
	ck_assert_int_eq(pack_u32(&out, 4000000000), 0);
	ck_assert_int_eq(pack_u64(&out, UINT64_MAX), 0);
	ck_assert_int_eq(pack_text(&out, SLICE("text")), 0);
	ck_assert_int_eq(pack_text(&out, SLICE("")), 0);
	ck_assert_int_eq(pack_text(&out, SLICE("a\0b")), 0);
}

static void teardown(void)
{
	buffer_release(&out);
}

START_TEST(gives_back_what_was_packed)
{
	struct unpack in = { .rest = buffer_slice(&out) };

	ck_assert_uint_eq(unpack_u8(&in), 200);
	ck_assert_uint_eq(unpack_u32(&in), 4000000000);
	ck_assert_uint_eq(unpack_u64(&in), UINT64_MAX);
	ck_assert_str_eq(unpack_string(&in), "text");
	ck_assert_str_eq(unpack_string(&in), "");
	ck_assert(!unpack_done(&in));
	ck_assert(slice_equal(unpack_text(&in), SLICE("a\0b")));
	ck_assert(unpack_done(&in));
}
END_TEST

START_TEST(fails_at_every_cut_and_gives_nothing_from_then_on)
{
	for (size_t size = 0; size < out.size; size++) {
		char *part = malloc(size + 1);
		struct unpack in = { .rest = { part, size } };

		ck_assert_ptr_nonnull(part);
		memcpy(part, out.data, size);
		unpack_u8(&in);
		unpack_u32(&in);
		unpack_u64(&in);
		unpack_text(&in);
		unpack_text(&in);
		unpack_text(&in);
		ck_assert(in.failed);
		ck_assert(!unpack_done(&in));
		ck_assert_uint_eq(unpack_u8(&in), 0);
		ck_assert_uint_eq(unpack_u32(&in), 0);
		ck_assert_uint_eq(unpack_u64(&in), 0);
		ck_assert_uint_eq(unpack_text(&in).size, 0);
		ck_assert_str_eq(unpack_string(&in), "");
		free(part);
	}
}
END_TEST

START_TEST(refuses_a_string_with_a_nul_inside)
{
	struct unpack in = { .rest = buffer_slice(&out) };

	unpack_u8(&in);
	unpack_u32(&in);
	unpack_u64(&in);
	unpack_text(&in);
	unpack_text(&in);
	ck_assert_str_eq(unpack_string(&in), "");
	ck_assert(in.failed);
}
END_TEST

START_TEST(refuses_a_text_without_its_nul_or_past_the_end)
{
	static const unsigned char texts[][8] = {
		{ 3, 0, 0, 0, 'a', 'b', 'c', 'd' },	/* no NUL */
		{ 4, 0, 0, 0, 'a', 'b', 'c', 'd' },	/* its NUL would be outside */
		{ 5, 0, 0, 0, 'a', 'b', 'c', 0 },
		{ 255, 255, 255, 255, 'a', 'b', 'c', 0 },
		{ 255, 255, 255, 127, 'a', 'b', 'c', 0 },
	};
	struct unpack in = { .rest = { (const char *)texts[_i], 8 } };

	ck_assert_uint_eq(unpack_text(&in).size, 0);
	ck_assert(in.failed);
}
END_TEST

START_TEST(is_not_done_with_bytes_left_over)
{
	struct unpack in = { .rest = SLICE("\1\2") };

	ck_assert_uint_eq(unpack_u8(&in), 1);
	ck_assert(!unpack_done(&in));
}
END_TEST

START_TEST(says_when_the_buffer_is_full)
{
	struct buffer small;

	buffer_init(&small, 7);
	ck_assert_int_eq(pack_u64(&small, 1), ERR_LIMIT);
	ck_assert_int_eq(pack_text(&small, SLICE("abc")), ERR_LIMIT);
	ck_assert_int_eq(pack_text(&small, SLICE("ab")), 0);
	buffer_release(&small);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pack");
	TCase *tcase = tcase_create("pack");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, gives_back_what_was_packed);
	tcase_add_test(tcase, fails_at_every_cut_and_gives_nothing_from_then_on);
	tcase_add_test(tcase, refuses_a_string_with_a_nul_inside);
	tcase_add_loop_test(tcase, refuses_a_text_without_its_nul_or_past_the_end, 0, 5);
	tcase_add_test(tcase, is_not_done_with_bytes_left_over);
	tcase_add_test(tcase, says_when_the_buffer_is_full);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
