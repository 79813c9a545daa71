/* SPDX-License-Identifier: MIT */
#include "exchange/pieces.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "unit.h"

static struct arena arena;
static struct pieces pieces;

static void set_up(void)
{
	arena_init(&arena, 1 << 16);
	pieces_init(&pieces);
}

static void tear_down(void)
{
	pieces_release(&pieces);
	arena_release(&arena);
}

static void count(void *arg)
{
	++*(int *)arg;
}

/* A file of that content, already unlinked. */
static int file_of(const char *text)
{
	FILE *file = tmpfile();
	int fd;

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fflush(file);
	fd = dup(fileno(file));
	fclose(file);
	return fd;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) != -1;
}

static void expect(size_t max, const char *text)
{
	char scratch[64];
	struct slice part;

	ck_assert_int_eq(pieces_peek(&pieces, scratch, max, &part), 0);
	ck_assert(slice_equal(part, slice_of(text)));
	pieces_consume(&pieces, part.size);
}

static void expect_nothing_left(void)
{
	char scratch[8];
	struct slice part;

	ck_assert_int_eq(pieces_peek(&pieces, scratch, sizeof(scratch), &part), ERR_EOF);
	ck_assert_int_eq(pieces.left, 0);
	ck_assert_ptr_null(pieces.last);
}

START_TEST(memory_and_files_come_out_in_order)
{
	ck_assert_int_eq(pieces_add_copy(&pieces, &arena, "ab", 2), 0);
	ck_assert_int_eq(pieces_add_file(&pieces, &arena, file_of("0123456789"), 2, 5),
	    0);
	ck_assert_int_eq(pieces_add_memory(&pieces, &arena, "yz", 2, NULL, NULL), 0);
	ck_assert_int_eq(pieces.left, 9);
	expect(64, "ab");
	expect(3, "234");
	expect(3, "56");
	expect(1, "y");
	expect(1, "z");
	expect_nothing_left();
}
END_TEST

START_TEST(peek_takes_nothing_off)
{
	char scratch[4];
	struct slice part;

	ck_assert_int_eq(pieces_add_file(&pieces, &arena, file_of("abcd"), 0, 4), 0);
	ck_assert_int_eq(pieces_peek(&pieces, scratch, 4, &part), 0);
	pieces_consume(&pieces, 1);
	expect(4, "bcd");
	expect_nothing_left();
}
END_TEST

START_TEST(small_copies_in_a_row_become_one_piece)
{
	ck_assert_int_eq(pieces_add_copy(&pieces, &arena, "first", 5), 0);
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(pieces_add_copy(&pieces, &arena, "x", 1), 0);
	}
	ck_assert_int_eq(pieces.left, 105);
	expect(64, "first");
	expect(3, "xxx");
	ck_assert_int_eq(pieces_add_copy(&pieces, &arena, "y", 1), 0);
	ck_assert_ptr_eq(pieces.first, pieces.last);
	ck_assert_int_eq(pieces.left, 98);
}
END_TEST

START_TEST(copies_go_on_after_all_was_taken)
{
	for (int i = 0; i < 50; i++) {
		ck_assert_int_eq(pieces_add_copy(&pieces, &arena, "ab", 2), 0);
		ck_assert_int_eq(pieces_add_copy(&pieces, &arena, "c", 1), 0);
		expect(2, "ab");
		expect(8, "c");
		expect_nothing_left();
	}
}
END_TEST

START_TEST(empty_pieces_are_not_queued)
{
	int released = 0;
	int fd = file_of("abc");

	ck_assert_int_eq(pieces_add_copy(&pieces, &arena, NULL, 0), 0);
	ck_assert_int_eq(pieces_add_memory(&pieces, &arena, "", 0, count, &released), 0);
	ck_assert_int_eq(pieces_add_file(&pieces, &arena, fd, 0, 0), 0);
	ck_assert_int_eq(released, 1);
	ck_assert(!is_open(fd));
	expect_nothing_left();
}
END_TEST

START_TEST(release_is_called_once_when_taken)
{
	int released = 0;

	ck_assert_int_eq(pieces_add_memory(&pieces, &arena, "abc", 3, count, &released),
	    0);
	expect(2, "ab");
	ck_assert_int_eq(released, 0);
	expect(2, "c");
	ck_assert_int_eq(released, 1);
	pieces_release(&pieces);
	ck_assert_int_eq(released, 1);
}
END_TEST

START_TEST(what_was_not_taken_is_released)
{
	int released = 0;
	int fd = file_of("abc");

	ck_assert_int_eq(pieces_add_memory(&pieces, &arena, "abc", 3, count, &released),
	    0);
	ck_assert_int_eq(pieces_add_file(&pieces, &arena, fd, 0, 3), 0);
	pieces_release(&pieces);
	ck_assert_int_eq(released, 1);
	ck_assert(!is_open(fd));
}
END_TEST

START_TEST(past_the_bound_everything_is_still_released)
{
	int released = 0;
	int fd = file_of("abc");

	while (arena_alloc(&arena, 16) != NULL) {
	}
	ck_assert_int_eq(pieces_add_memory(&pieces, &arena, "abc", 3, count, &released),
	    ERR_LIMIT);
	ck_assert_int_eq(released, 1);
	ck_assert_int_eq(pieces_add_file(&pieces, &arena, fd, 0, 3), ERR_LIMIT);
	ck_assert(!is_open(fd));
	expect_nothing_left();
}
END_TEST

START_TEST(copies_need_no_room_in_the_arena)
{
	while (arena_alloc(&arena, 16) != NULL) {
	}
	ck_assert_int_eq(pieces_add_copy(&pieces, &arena, "abc", 3), 0);
	expect(8, "abc");
	expect_nothing_left();
}
END_TEST

START_TEST(what_waits_of_copies_is_counted)
{
	static const char large[5000];

	ck_assert_int_eq(pieces_add_copy(&pieces, &arena, large, sizeof(large)), 0);
	ck_assert_int_eq(pieces_add_memory(&pieces, &arena, "abc", 3, NULL, NULL), 0);
	ck_assert_int_eq(pieces_add_copy(&pieces, &arena, "xy", 2), 0);
	ck_assert_uint_eq(pieces.copied, 5002);
	pieces_consume(&pieces, 4000);
	ck_assert_uint_eq(pieces.copied, 1002);
	pieces_consume(&pieces, 1000);
	pieces_consume(&pieces, 3);
	ck_assert_uint_eq(pieces.copied, 2);
	pieces_release(&pieces);
	ck_assert_uint_eq(pieces.copied, 0);
}
END_TEST

START_TEST(a_tally_has_the_memory_of_large_copies)
{
	static const char large[50000];
	struct tally held = { 0 };

	pieces.tally = &held;
	ck_assert_int_eq(pieces_add_copy(&pieces, &arena, "small", 5), 0);
	ck_assert_uint_eq(held.bytes, 0);
	ck_assert_int_eq(pieces_add_copy(&pieces, &arena, large, sizeof(large)), 0);
	ck_assert_int_eq(pieces_add_copy(&pieces, &arena, large, sizeof(large)), 0);
	ck_assert_uint_ge(held.bytes, 2 * sizeof(large));
	pieces_consume(&pieces, 5);
	pieces_consume(&pieces, sizeof(large));
	ck_assert_uint_ge(held.bytes, sizeof(large));
	ck_assert_uint_lt(held.bytes, sizeof(large) + 4096);
	pieces_release(&pieces);
	ck_assert_uint_eq(held.bytes, 0);
	ck_assert_int_eq(pieces_add_copy(&pieces, &arena, large, sizeof(large)), 0);
	ck_assert_uint_ge(held.bytes, sizeof(large));
	pieces_release(&pieces);
	ck_assert_uint_eq(held.bytes, 0);
}
END_TEST

START_TEST(a_copy_behind_a_file_is_a_piece_of_its_own)
{
	ck_assert_int_eq(pieces_add_copy(&pieces, &arena, "first", 5), 0);
	ck_assert_int_eq(pieces_add_copy(&pieces, &arena, "ab", 2), 0);
	ck_assert_int_eq(pieces_add_file(&pieces, &arena, file_of("file"), 0, 4), 0);
	ck_assert_int_eq(pieces_add_copy(&pieces, &arena, "cd", 2), 0);
	expect(64, "first");
	expect(64, "ab");
	expect(64, "file");
	expect(64, "cd");
	expect_nothing_left();
}
END_TEST

START_TEST(refuses_files_without_a_sensible_range)
{
	int fd = file_of("abc");

	ck_assert_int_eq(pieces_add_file(&pieces, &arena, -1, 0, 3), ERR_INVALID);
	ck_assert_int_eq(pieces_add_file(&pieces, &arena, fd, -1, 3), ERR_INVALID);
	ck_assert(!is_open(fd));
	fd = file_of("abc");
	ck_assert_int_eq(pieces_add_file(&pieces, &arena, fd, 1, INT64_MAX), ERR_INVALID);
	ck_assert(!is_open(fd));
}
END_TEST

/* As one thread detaches, and another sends and gives back. */
START_TEST(detached_pieces_are_whole_and_can_be_used_again)
{
	struct piece *first;
	struct piece *second;
	size_t used;

	ck_assert_int_eq(pieces_add_memory(&pieces, &arena, "ab", 2, NULL, NULL), 0);
	ck_assert_int_eq(pieces_add_copy(&pieces, &arena, "cd", 2), 0);
	first = pieces_detach(&pieces);
	second = first->next;
	ck_assert(slice_equal((struct slice){ first->data, 2 }, SLICE("ab")));
	ck_assert(slice_equal((struct slice){ second->data, 2 }, SLICE("cd")));
	ck_assert(second->copy && second->next == NULL);
	ck_assert(pieces.first == NULL && pieces.left == 0 && pieces.copied == 0);
	/* What is added now does not go on in what was detached. */
	ck_assert_int_eq(pieces_add_copy(&pieces, &arena, "ef", 2), 0);
	expect(10, "ef");
	first->next = NULL;
	pieces_give_spares(&pieces, first);
	used = arena.used;
	ck_assert_int_eq(pieces_add_memory(&pieces, &arena, "gh", 2, NULL, NULL), 0);
	ck_assert_uint_eq(arena.used, used);
	expect(10, "gh");
}
END_TEST

START_TEST(sum_of_sizes_cannot_overflow)
{
	ck_assert_int_eq(pieces_add_file(&pieces, &arena, file_of("a"), 0, INT64_MAX - 1),
	    0);
	ck_assert_int_eq(pieces_add_copy(&pieces, &arena, "a", 1), 0);
	ck_assert_int_eq(pieces_add_file(&pieces, &arena, file_of("a"), 0, 1), ERR_LIMIT);
	ck_assert_int_eq(pieces_add_copy(&pieces, &arena, "a", 1), ERR_LIMIT);
	ck_assert(pieces.left == INT64_MAX);
}
END_TEST

START_TEST(file_that_became_shorter_is_told)
{
	char scratch[8];
	struct slice part;

	ck_assert_int_eq(pieces_add_file(&pieces, &arena, file_of("abc"), 0, 5), 0);
	expect(8, "abc");
	ck_assert_int_eq(pieces_peek(&pieces, scratch, 8, &part), ERR_CLOSED);
}
END_TEST

START_TEST(file_that_cannot_be_read_is_told)
{
	char scratch[8];
	struct slice part;
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(pieces_add_file(&pieces, &arena, ends[0], 0, 5), 0);
	ck_assert_int_eq(pieces_peek(&pieces, scratch, 8, &part), ERR_SYSTEM);
	close(ends[1]);
}
END_TEST

START_TEST(a_long_stream_needs_no_more_memory)
{
	size_t used;

	ck_assert_int_eq(pieces_add_memory(&pieces, &arena, "a", 1, NULL, NULL), 0);
	pieces_consume(&pieces, 1);
	used = arena.used;
	for (int i = 0; i < 100000; i++) {
		ck_assert_int_eq(pieces_add_memory(&pieces, &arena, "a", 1, NULL, NULL),
		    0);
		ck_assert_int_eq(pieces_add_copy(&pieces, &arena, "bcd", 3), 0);
		pieces_consume(&pieces, 1);
		pieces_consume(&pieces, 3);
	}
	/* One small copy, the first, may lie there. */
	ck_assert_uint_le(arena.used, used + 256);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pieces");
	TCase *tcase = tcase_create("pieces");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, memory_and_files_come_out_in_order);
	tcase_add_test(tcase, peek_takes_nothing_off);
	tcase_add_test(tcase, small_copies_in_a_row_become_one_piece);
	tcase_add_test(tcase, copies_go_on_after_all_was_taken);
	tcase_add_test(tcase, a_long_stream_needs_no_more_memory);
	tcase_add_test(tcase, empty_pieces_are_not_queued);
	tcase_add_test(tcase, release_is_called_once_when_taken);
	tcase_add_test(tcase, what_was_not_taken_is_released);
	tcase_add_test(tcase, past_the_bound_everything_is_still_released);
	tcase_add_test(tcase, copies_need_no_room_in_the_arena);
	tcase_add_test(tcase, what_waits_of_copies_is_counted);
	tcase_add_test(tcase, a_tally_has_the_memory_of_large_copies);
	tcase_add_test(tcase, a_copy_behind_a_file_is_a_piece_of_its_own);
	tcase_add_test(tcase, refuses_files_without_a_sensible_range);
	tcase_add_test(tcase, detached_pieces_are_whole_and_can_be_used_again);
	tcase_add_test(tcase, sum_of_sizes_cannot_overflow);
	tcase_add_test(tcase, file_that_became_shorter_is_told);
	tcase_add_test(tcase, file_that_cannot_be_read_is_told);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
