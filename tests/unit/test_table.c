/* SPDX-License-Identifier: MIT */
#include "base/table.h"

#include <stdbool.h>
#include <stdio.h>

#include "unit.h"

#define MANY 5000

START_TEST(finds_what_was_set)
{
	static char keys[MANY][8];
	struct table table;

	table_init(&table);
	for (size_t i = 0; i < MANY; i++) {
		snprintf(keys[i], sizeof(keys[i]), "k%zu", i);
		table_set(&table, slice_of(keys[i]), keys[i]);
	}
	ck_assert_uint_eq(table.count, MANY);
	for (size_t i = 0; i < MANY; i++) {
		ck_assert_ptr_eq(table_get(&table, slice_of(keys[i])), keys[i]);
	}
	ck_assert_ptr_null(table_get(&table, SLICE("k")));
	ck_assert_ptr_null(table_get(&table, SLICE("k5000")));
	table_release(&table);
}
END_TEST

START_TEST(an_empty_table_has_nothing)
{
	struct table table;
	size_t place = 0;

	table_init(&table);
	ck_assert_ptr_null(table_get(&table, SLICE("")));
	ck_assert_ptr_null(table_next(&table, &place));
	table_release(&table);
}
END_TEST

START_TEST(a_later_value_replaces_the_earlier)
{
	struct table table;
	char a;
	char b;

	table_init(&table);
	table_set(&table, SLICE("key"), &a);
	table_set(&table, SLICE("key"), &b);
	ck_assert_ptr_eq(table_get(&table, SLICE("key")), &b);
	ck_assert_uint_eq(table.count, 1);
	table_release(&table);
}
END_TEST

START_TEST(keys_are_bytes_of_any_size)
{
	static const char bytes[40];
	char values[sizeof(bytes) + 1];
	struct table table;

	table_init(&table);
	for (size_t size = 0; size <= sizeof(bytes); size++) {
		table_set(&table, (struct slice){ bytes, size }, &values[size]);
	}
	table_set(&table, (struct slice){ NULL, 0 }, values);
	ck_assert_uint_eq(table.count, sizeof(bytes) + 1);
	for (size_t size = 0; size <= sizeof(bytes); size++) {
		ck_assert_ptr_eq(table_get(&table, (struct slice){ bytes, size }),
		    &values[size]);
	}
	table_release(&table);
}
END_TEST

START_TEST(next_gives_every_entry_once)
{
	static const char keys[] = "abcdefghijklmnopqrstuvwxyz";
	bool seen[26] = { false };
	const struct table_entry *entry;
	struct table table;
	size_t place = 0;

	table_init(&table);
	for (size_t i = 0; i < 26; i++) {
		table_set(&table, (struct slice){ &keys[i], 1 }, &seen[i]);
	}
	while ((entry = table_next(&table, &place)) != NULL) {
		bool *mark = entry->value;

		ck_assert(!*mark);
		*mark = true;
	}
	for (size_t i = 0; i < 26; i++) {
		ck_assert(seen[i]);
	}
	table_release(&table);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("table");
	TCase *tcase = tcase_create("table");

	tcase_add_test(tcase, finds_what_was_set);
	tcase_add_test(tcase, an_empty_table_has_nothing);
	tcase_add_test(tcase, a_later_value_replaces_the_earlier);
	tcase_add_test(tcase, keys_are_bytes_of_any_size);
	tcase_add_test(tcase, next_gives_every_entry_once);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
