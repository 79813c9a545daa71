/* SPDX-License-Identifier: MIT */
/* A roll: what is in it, what cannot be in it, and who dies while writing it. */
#include "ipc/roll.h"

#include <string.h>

#include "unit.h"

static struct roll roll;

static void setup(void)
{
	memset(&roll, 0, sizeof(roll));
}

static struct roll_entry named(const char *name)
{
	struct roll_entry entry = { .kind = 1, .size = 5 };

	ck_assert(roll_name(&entry, name, "a note"));
	return entry;
}

static void put(uint32_t place, const char *name)
{
	struct roll_entry wanted = named(name);
	struct roll_entry entry;

	ck_assert_int_eq(roll_at(&roll, place, &wanted, &entry), 0);
	ck_assert_str_eq(entry.name, name);
}

START_TEST(starts_empty)
{
	struct roll_entry entry;

	ck_assert_int_eq(roll_get(&roll, 0, &entry), ERR_MISSING);
	ck_assert_int_eq(roll_at(&roll, 0, NULL, &entry), ERR_MISSING);
	ck_assert_int_eq(roll_get(&roll, ROLL_PLACES, &entry), ERR_LIMIT);
}
END_TEST

START_TEST(gives_back_what_was_put)
{
	struct roll_entry entry;

	put(0, "first");
	ck_assert_int_eq(roll_get(&roll, 0, &entry), 0);
	ck_assert_uint_eq(entry.kind, 1);
	ck_assert_uint_eq(entry.size, 5);
	ck_assert_str_eq(entry.name, "first");
	ck_assert_str_eq(entry.note, "a note");
	ck_assert_int_eq(roll_get(&roll, 1, &entry), ERR_MISSING);
}
END_TEST

START_TEST(what_is_there_stays)
{
	struct roll_entry wanted = named("second");
	struct roll_entry entry;

	put(0, "first");
	ck_assert_int_eq(roll_at(&roll, 0, &wanted, &entry), 0);
	ck_assert_str_eq(entry.name, "first");
	ck_assert_uint_eq(roll.entries[1].taken, 0);
}
END_TEST

START_TEST(ends_after_1024)
{
	struct roll_entry wanted = named("x");
	struct roll_entry entry;

	for (uint32_t i = 0; i < ROLL_PLACES; i++) {
		put(i, "x");
	}
	ck_assert_int_eq(roll_at(&roll, ROLL_PLACES, &wanted, &entry), ERR_LIMIT);
}
END_TEST

START_TEST(checks_names_and_cuts_notes)
{
	struct roll_entry entry;
	char longest[400];

	memset(longest, 'x', sizeof(longest));
	longest[ROLL_NAME_BYTES] = '\0';
	ck_assert(!roll_name(&entry, longest, ""));
	ck_assert(!roll_name(&entry, "", ""));
	ck_assert(!roll_name(&entry, "a.b", ""));
	longest[ROLL_NAME_BYTES - 1] = '\0';
	ck_assert(roll_name(&entry, longest, ""));
	memset(longest, 'y', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	ck_assert(roll_name(&entry, "a-b_9", longest));
	ck_assert_uint_eq(strlen(entry.note), ROLL_NOTE_BYTES - 1);
}
END_TEST

/* Its maker has died before it was in order. */
START_TEST(half_an_entry_is_passed_over)
{
	struct roll_entry entry;

	roll.entries[0].taken = 1;
	memcpy(roll.entries[0].name, "hal", 3);
	ck_assert_int_eq(roll_get(&roll, 0, &entry), ERR_MISSING);
	put(0, "whole");
	ck_assert_uint_eq(roll.order[0], 2);
}
END_TEST

START_TEST(what_makes_no_sense_is_an_error)
{
	struct roll_entry wanted = named("x");
	struct roll_entry entry;

	roll.order[0] = ROLL_PLACES + 1;
	ck_assert_int_eq(roll_at(&roll, 0, &wanted, &entry), ERR_PROTOCOL);
	roll.order[0] = UINT32_MAX;
	ck_assert_int_eq(roll_get(&roll, 0, &entry), ERR_PROTOCOL);
	roll.order[0] = 0;
	for (int i = 0; i < ROLL_PLACES; i++) {
		roll.entries[i].taken = 1;
	}
	ck_assert_int_eq(roll_at(&roll, 0, &wanted, &entry), ERR_LIMIT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("roll");
	TCase *tcase = tcase_create("roll");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, starts_empty);
	tcase_add_test(tcase, gives_back_what_was_put);
	tcase_add_test(tcase, what_is_there_stays);
	tcase_add_test(tcase, ends_after_1024);
	tcase_add_test(tcase, checks_names_and_cuts_notes);
	tcase_add_test(tcase, half_an_entry_is_passed_over);
	tcase_add_test(tcase, what_makes_no_sense_is_an_error);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
