/* SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include <stdint.h>
#include <string.h>

#include "unit.h"

START_TEST(gives_aligned_memory_that_does_not_overlap)
{
	struct arena arena;
	unsigned char *pieces[100];

	arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < 100; i++) {
		pieces[i] = arena_alloc(&arena, i + 1);
		ck_assert_ptr_nonnull(pieces[i]);
		ck_assert_uint_eq((uintptr_t)pieces[i] % 16, 0);
		memset(pieces[i], (int)i, i + 1);
	}
	for (size_t i = 0; i < 100; i++) {
		ck_assert_uint_eq(pieces[i][0], i);
		ck_assert_uint_eq(pieces[i][i], i);
	}
	arena_release(&arena);
}
END_TEST

START_TEST(refuses_what_passes_its_maximum)
{
	struct arena arena;

	arena_init(&arena, 64);
	ck_assert_ptr_null(arena_alloc(&arena, 65));
	ck_assert_ptr_nonnull(arena_alloc(&arena, 48));
	ck_assert_ptr_null(arena_alloc(&arena, 17));
	ck_assert_ptr_nonnull(arena_alloc(&arena, 16));
	ck_assert_ptr_null(arena_alloc(&arena, 1));
	ck_assert_uint_eq(arena.used, 64);
	arena_release(&arena);
	ck_assert_ptr_nonnull(arena_alloc(&arena, 64));
	arena_release(&arena);
}
END_TEST

START_TEST(refuses_sizes_that_overflow)
{
	struct arena arena;

	arena_init(&arena, SIZE_MAX);
	ck_assert_ptr_null(arena_alloc(&arena, SIZE_MAX));
	ck_assert_ptr_null(arena_alloc(&arena, SIZE_MAX - 15));
	ck_assert_ptr_null(arena_copy(&arena, "", SIZE_MAX));
	arena_release(&arena);
}
END_TEST

START_TEST(reset_reuses_its_ordinary_chunk)
{
	struct arena arena;
	void *first;

	arena_init(&arena, 1 << 20);
	first = arena_alloc(&arena, 100);
	arena_reset(&arena);
	ck_assert_uint_eq(arena.used, 0);
	ck_assert_ptr_eq(arena_alloc(&arena, 100), first);
	arena_release(&arena);
}
END_TEST

START_TEST(reset_gives_large_chunks_back)
{
	struct arena arena;

	arena_init(&arena, 1 << 20);
	ck_assert_ptr_nonnull(arena_alloc(&arena, 100));
	ck_assert_ptr_nonnull(arena_alloc(&arena, 100000));
	arena_reset(&arena);
	ck_assert_ptr_null(arena.chunks);
	ck_assert_ptr_nonnull(arena_alloc(&arena, 100));
	arena_release(&arena);
}
END_TEST

START_TEST(copies_end_in_nul)
{
	struct arena arena;

	arena_init(&arena, 1 << 20);
	ck_assert_str_eq(arena_copy(&arena, "hello", 4), "hell");
	ck_assert_str_eq(arena_copy(&arena, NULL, 0), "");
	ck_assert_str_eq(arena_printf(&arena, "%d-%s", 7, "x"), "7-x");
	arena_release(&arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("arena");
	TCase *tcase = tcase_create("arena");

	tcase_add_test(tcase, gives_aligned_memory_that_does_not_overlap);
	tcase_add_test(tcase, refuses_what_passes_its_maximum);
	tcase_add_test(tcase, refuses_sizes_that_overflow);
	tcase_add_test(tcase, reset_reuses_its_ordinary_chunk);
	tcase_add_test(tcase, reset_gives_large_chunks_back);
	tcase_add_test(tcase, copies_end_in_nul);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
