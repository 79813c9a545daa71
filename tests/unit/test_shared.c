/* SPDX-License-Identifier: MIT */
/* The memory of a handler: what its processes find in it, and what none can do to it. */
#include "ipc/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#define PROCESSES 8
#define ROUNDS 40

static int fd;
static struct shared one;	/* of one process, */
static struct shared other;	/* and of another */

static void setup(void)
{
	ck_assert_int_eq(shared_create(&fd), 0);
	shared_init(&one, dup(fd));
	shared_init(&other, dup(fd));
}

static void teardown(void)
{
	shared_release(&one);
	shared_release(&other);
	close(fd);
}

static void *area(struct shared *shared, const char *name, size_t size)
{
	void *memory;

	ck_assert_int_eq(shared_area(shared, name, size, &memory), 0);
	return memory;
}

static int result(struct shared *shared, const char *name, size_t size)
{
	void *memory;

	return shared_area(shared, name, size, &memory);
}

START_TEST(one_name_and_size_is_one_memory)
{
	char *mine = area(&one, "counts", 100);
	const char *theirs = area(&other, "counts", 100);

	ck_assert_ptr_ne(mine, theirs);
	ck_assert_str_eq(theirs, "");
	memcpy(mine, "hello", 6);
	ck_assert_str_eq(theirs, "hello");
	ck_assert_ptr_eq(area(&one, "counts", 100), mine);
}
END_TEST

START_TEST(it_outlives_all_who_had_it)
{
	memcpy(area(&one, "counts", 100), "hello", 6);
	shared_release(&one);
	shared_release(&other);
	shared_init(&one, dup(fd));
	ck_assert_str_eq(area(&one, "counts", 100), "hello");
}
END_TEST

START_TEST(another_name_is_another_memory)
{
	memset(area(&one, "a", 4096), 'a', 4096);
	ck_assert_str_eq(area(&one, "b", 4096), "");
	memset(area(&one, "b", 4096), 'b', 4096);
	ck_assert_mem_eq(area(&other, "a", 4096), "aaaa", 4);
}
END_TEST

START_TEST(another_size_is_another_memory_and_the_first_stays)
{
	memcpy(area(&one, "counts", 100), "hello", 6);
	ck_assert_str_eq(area(&one, "counts", 101), "");
	ck_assert_str_eq(area(&other, "counts", 100), "hello");
}
END_TEST

START_TEST(every_area_is_aligned)
{
	for (size_t size = 1; size < 20000; size = size * 3 + 1) {
		ck_assert_uint_eq((uintptr_t)area(&one, "x", size) % 64, 0);
	}
}
END_TEST

START_TEST(names_are_checked)
{
	char longest[ROLL_NAME_BYTES + 1];

	memset(longest, 'x', sizeof(longest));
	longest[ROLL_NAME_BYTES] = '\0';
	ck_assert_int_eq(result(&one, longest, 1), ERR_INVALID);
	longest[ROLL_NAME_BYTES - 1] = '\0';
	ck_assert_int_eq(result(&one, longest, 1), 0);
	ck_assert_int_eq(result(&one, "", 1), ERR_INVALID);
	ck_assert_int_eq(result(&one, "A", 1), ERR_INVALID);
	ck_assert_int_eq(result(&one, "a b", 1), ERR_INVALID);
	ck_assert_int_eq(result(&one, "a-b_9", 1), 0);
	ck_assert_int_eq(result(&one, "a", 0), ERR_INVALID);
}
END_TEST

START_TEST(all_of_it_can_be_had_and_no_more)
{
	char *all = area(&one, "all", SHARED_BYTES);

	all[0] = 1;
	all[SHARED_BYTES - 1] = 1;
	ck_assert_int_eq(result(&one, "more", 1), ERR_LIMIT);
	ck_assert_int_eq(result(&one, "huge", SHARED_BYTES + 1), ERR_LIMIT);
	ck_assert_int_eq(result(&one, "huge", SIZE_MAX), ERR_LIMIT);
	ck_assert_ptr_eq(area(&one, "all", SHARED_BYTES), all);
}
END_TEST

START_TEST(there_are_1024_places_and_no_more)
{
	char name[ROLL_NAME_BYTES];

	for (int i = 0; i < ROLL_PLACES; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		ck_assert_int_eq(result(&one, name, 1), 0);
	}
	ck_assert_int_eq(result(&one, "one-more", 1), ERR_LIMIT);
	ck_assert_int_eq(result(&other, "n0", 1), 0);
}
END_TEST

START_TEST(without_a_descriptor_it_is_private)
{
	struct shared own;

	shared_init(&own, -1);
	memcpy(area(&own, "counts", 100), "hello", 6);
	ck_assert_str_eq(area(&one, "counts", 100), "");
	shared_release(&own);
}
END_TEST

START_TEST(nobody_can_cut_it_off)
{
	ck_assert_int_eq(ftruncate(fd, 0), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(ftruncate(fd, (off_t)SHARED_BYTES * 2), -1);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	ck_assert_int_eq(shared_check(fd), 0);
}
END_TEST

START_TEST(what_is_none_is_told_from_one)
{
	int empty = memfd_create("x", MFD_ALLOW_SEALING);
	uint64_t wrong = 1;

	ck_assert_int_eq(shared_check(empty), ERR_PROTOCOL);
	ck_assert_int_eq(pwrite(fd, &wrong, sizeof(wrong), 0), sizeof(wrong));
	ck_assert_int_eq(shared_check(fd), ERR_PROTOCOL);
	close(empty);
}
END_TEST

/* What a handler gone wrong writes over it. */

static struct roll *roll(void)
{
	(void)area(&one, "first", 100);
	return &one.front->roll;
}

START_TEST(an_order_that_makes_no_sense_has_no_areas)
{
	roll()->order[1] = ROLL_PLACES + 1;
	ck_assert_int_eq(result(&other, "second", 100), ERR_PROTOCOL);
	one.front->roll.order[1] = UINT32_MAX;
	ck_assert_int_eq(result(&other, "second", 100), ERR_PROTOCOL);
}
END_TEST

START_TEST(a_size_that_makes_no_sense_leads_nowhere)
{
	static const uint64_t sizes[] = { 0, SHARED_BYTES + 1, UINT64_MAX,
		UINT64_MAX - 4095, UINT64_C(1) << 63 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		roll()->entries[0].size = sizes[i];
		ck_assert_int_eq(result(&other, "second", 100), ERR_PROTOCOL);
		one.front->roll.entries[0].size = 100;
	}
	ck_assert_int_eq(result(&other, "second", 100), 0);
}
END_TEST

START_TEST(entries_that_are_all_taken_are_a_limit)
{
	struct roll *all = roll();

	for (int i = 0; i < ROLL_PLACES; i++) {
		all->entries[i].taken = 1;
	}
	ck_assert_int_eq(result(&other, "second", 100), ERR_LIMIT);
	ck_assert_int_eq(result(&other, "first", 100), 0);
}
END_TEST

/* Whatever is in it: an answer, and nothing outside of it is touched. */
START_TEST(random_bytes_do_no_harm)
{
	unsigned seed = 1;

	for (int round = 0; round < 2000; round++) {
		char *bytes = (char *)roll();

		for (int i = 0; i < 64; i++) {
			seed = seed * 1103515245 + 12345;
			bytes[(seed >> 8) % 8192] = (char)(seed >> 16);
		}
		(void)!result(&other, "second", 1 + round % 8192);
		memset(bytes, 0, sizeof(struct roll));
	}
}
END_TEST

/* Several processes. */

/* Opens 40 areas, each with a word that all add to. */
static _Noreturn void work(void)
{
	struct shared own;
	char name[16];

	shared_init(&own, fd);
	for (int i = 0; i < ROUNDS; i++) {
		void *memory;

		snprintf(name, sizeof(name), "n%d", i);
		if (shared_area(&own, name, 64 + (size_t)i, &memory) != 0) {
			_exit(1);
		}
		atomic_fetch_add((_Atomic int *)memory, 1);
	}
	_exit(0);
}

static int sum(struct shared *shared)
{
	char name[16];
	int total = 0;

	for (int i = 0; i < ROUNDS; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		total += *(int *)area(shared, name, 64 + (size_t)i);
	}
	return total;
}

static int areas(const struct shared *shared)
{
	int count = 0;

	while (shared->front->roll.order[count] != 0) {
		count++;
	}
	return count;
}

START_TEST(many_who_ask_at_once_get_the_same)
{
	int status;

	for (int i = 0; i < PROCESSES; i++) {
		if (fork() == 0) {
			work();
		}
	}
	for (int i = 0; i < PROCESSES; i++) {
		ck_assert_int_gt(wait(&status), 0);
		ck_assert_int_eq(status, 0);
	}
	ck_assert_int_eq(sum(&one), PROCESSES * ROUNDS);
	ck_assert_int_eq(areas(&one), ROUNDS);
}
END_TEST

/* Each is killed at a moment of its own, maybe in the middle of making an area. */
START_TEST(whoever_dies_in_the_middle_stops_nobody)
{
	for (int round = 0; round < 100; round++) {
		pid_t doomed = fork();
		int status;

		if (doomed == 0) {
			work();
		}
		for (volatile int i = 0; i < round * 200; i++) {
		}
		kill(doomed, SIGKILL);
		ck_assert_int_eq(waitpid(doomed, &status, 0), doomed);
	}
	ck_assert_int_ge(sum(&one), 0);
	ck_assert_int_eq(areas(&one), ROUNDS);
}
END_TEST

/* The two points where a maker can be that others could notice. */
START_TEST(half_an_area_is_none)
{
	struct roll *all = roll();

	all->entries[1].taken = 1;
	memcpy(all->entries[1].name, "sec", 3);
	ck_assert_int_eq(result(&other, "second", 100), 0);
	ck_assert_uint_eq(all->order[1], 3);
	ck_assert_int_eq(areas(&one), 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("shared");
	TCase *tcase = tcase_create("shared");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, one_name_and_size_is_one_memory);
	tcase_add_test(tcase, it_outlives_all_who_had_it);
	tcase_add_test(tcase, another_name_is_another_memory);
	tcase_add_test(tcase, another_size_is_another_memory_and_the_first_stays);
	tcase_add_test(tcase, every_area_is_aligned);
	tcase_add_test(tcase, names_are_checked);
	tcase_add_test(tcase, all_of_it_can_be_had_and_no_more);
	tcase_add_test(tcase, there_are_1024_places_and_no_more);
	tcase_add_test(tcase, without_a_descriptor_it_is_private);
	tcase_add_test(tcase, nobody_can_cut_it_off);
	tcase_add_test(tcase, what_is_none_is_told_from_one);
	tcase_add_test(tcase, an_order_that_makes_no_sense_has_no_areas);
	tcase_add_test(tcase, a_size_that_makes_no_sense_leads_nowhere);
	tcase_add_test(tcase, entries_that_are_all_taken_are_a_limit);
	tcase_add_test(tcase, random_bytes_do_no_harm);
	tcase_add_test(tcase, many_who_ask_at_once_get_the_same);
	tcase_add_test(tcase, whoever_dies_in_the_middle_stops_nobody);
	tcase_add_test(tcase, half_an_area_is_none);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
