/* SPDX-License-Identifier: MIT */
#include "base/buffer.h"

#include <stdint.h>
#include <string.h>

#include "unit.h"

static void assert_holds(const struct buffer *buffer, const char *text)
{
	ck_assert(slice_equal(buffer_slice(buffer), slice_of(text)));
}

START_TEST(is_empty_before_it_is_used)
{
	struct buffer buffer;

	buffer_init(&buffer, 10);
	assert_holds(&buffer, "");
	ck_assert_ptr_nonnull(buffer_slice(&buffer).data);
	buffer_release(&buffer);
}
END_TEST

START_TEST(keeps_bytes_in_order)
{
	struct buffer buffer;

	buffer_init(&buffer, 100);
	ck_assert_int_eq(buffer_append(&buffer, "hello ", 6), 0);
	ck_assert_int_eq(buffer_append(&buffer, NULL, 0), 0);
	ck_assert_int_eq(buffer_printf(&buffer, "%s %d", "world", 1), 0);
	assert_holds(&buffer, "hello world 1");
	buffer_consume(&buffer, 6);
	assert_holds(&buffer, "world 1");
	buffer_consume(&buffer, 7);
	assert_holds(&buffer, "");
	ck_assert_uint_eq(buffer.start, 0);
	buffer_release(&buffer);
}
END_TEST

START_TEST(refuses_what_passes_its_maximum_and_keeps_the_rest)
{
	struct buffer buffer;
	char *space;

	buffer_init(&buffer, 8);
	ck_assert_int_eq(buffer_append(&buffer, "12345678", 8), 0);
	ck_assert_int_eq(buffer_append(&buffer, "9", 1), ERR_LIMIT);
	ck_assert_int_eq(buffer_printf(&buffer, "9"), ERR_LIMIT);
	ck_assert_int_eq(buffer_reserve(&buffer, SIZE_MAX, &space), ERR_LIMIT);
	assert_holds(&buffer, "12345678");
	buffer_consume(&buffer, 1);
	ck_assert_int_eq(buffer_append(&buffer, "9", 1), 0);
	assert_holds(&buffer, "23456789");
	buffer_release(&buffer);
}
END_TEST

START_TEST(moves_bytes_to_the_front_rather_than_grow)
{
	struct buffer buffer;
	char filler[256];

	memset(filler, 'x', sizeof(filler));
	buffer_init(&buffer, 1 << 20);
	ck_assert_int_eq(buffer_append(&buffer, filler, sizeof(filler)), 0);
	for (int i = 0; i < 1000; i++) {
		buffer_consume(&buffer, 200);
		ck_assert_int_eq(buffer_append(&buffer, filler, 200), 0);
	}
	ck_assert_uint_eq(buffer.size, sizeof(filler));
	ck_assert_uint_eq(buffer.capacity, sizeof(filler));
	buffer_release(&buffer);
}
END_TEST

START_TEST(tells_a_tally_and_those_it_is_part_of_what_it_has)
{
	struct tally all = { 0 };
	struct tally part = { .of = &all };
	struct tally other = { .of = &all };
	struct buffer buffer;
	char filler[1000];

	memset(filler, 'x', sizeof(filler));
	buffer_init(&buffer, 1 << 20);
	buffer_count(&buffer, &part);
	ck_assert_uint_eq(all.bytes, 0);
	ck_assert_int_eq(buffer_append(&buffer, filler, sizeof(filler)), 0);
	ck_assert_uint_eq(part.bytes, buffer.capacity);
	ck_assert_uint_eq(all.bytes, buffer.capacity);
	buffer_reset(&buffer);
	ck_assert_uint_eq(part.bytes, buffer.capacity);
	buffer_count(&buffer, &other);
	ck_assert_uint_eq(part.bytes, 0);
	ck_assert_uint_eq(other.bytes, buffer.capacity);
	ck_assert_uint_eq(all.bytes, buffer.capacity);
	buffer_release(&buffer);
	ck_assert_uint_eq(all.bytes + other.bytes, 0);
	ck_assert_int_eq(buffer_append(&buffer, "x", 1), 0);
	ck_assert_uint_eq(other.bytes, buffer.capacity);
	buffer_release(&buffer);
	ck_assert_uint_eq(all.bytes + other.bytes, 0);
}
END_TEST

START_TEST(counts_only_what_is_committed)
{
	struct buffer buffer;
	char *space;

	buffer_init(&buffer, 1000);
	ck_assert_int_eq(buffer_reserve(&buffer, 500, &space), 0);
	memcpy(space, "abc", 3);
	assert_holds(&buffer, "");
	buffer_commit(&buffer, 3);
	assert_holds(&buffer, "abc");
	buffer_reset(&buffer);
	assert_holds(&buffer, "");
	buffer_release(&buffer);
}
END_TEST

START_TEST(ends_as_text_without_counting_the_end)
{
	struct buffer buffer;

	buffer_init(&buffer, 6);
	ck_assert_int_eq(buffer_append(&buffer, "12345", 5), 0);
	ck_assert_int_eq(buffer_terminate(&buffer), 0);
	ck_assert_str_eq(buffer_slice(&buffer).data, "12345");
	ck_assert_uint_eq(buffer.size, 5);
	ck_assert_int_eq(buffer_append(&buffer, "6", 1), 0);
	ck_assert_int_eq(buffer_terminate(&buffer), ERR_LIMIT);
	assert_holds(&buffer, "123456");
	buffer_release(&buffer);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("buffer");
	TCase *tcase = tcase_create("buffer");

	tcase_add_test(tcase, is_empty_before_it_is_used);
	tcase_add_test(tcase, keeps_bytes_in_order);
	tcase_add_test(tcase, refuses_what_passes_its_maximum_and_keeps_the_rest);
	tcase_add_test(tcase, moves_bytes_to_the_front_rather_than_grow);
	tcase_add_test(tcase, counts_only_what_is_committed);
	tcase_add_test(tcase, tells_a_tally_and_those_it_is_part_of_what_it_has);
	tcase_add_test(tcase, ends_as_text_without_counting_the_end);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
