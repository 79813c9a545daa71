/* SPDX-License-Identifier: MIT */
/* Marks of files: what changes them, and what does not. */
#include "os/file_mark.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"
#include "unit.h"

static char folder[FOLDER_BYTES];

static void set_up(void)
{
	folder_make(folder);
	ck_assert_int_eq(chdir(folder), 0);
}

static void tear_down(void)
{
	folder_remove(folder);
}

static void write_file(const char *name, const char *text)
{
	FILE *out = fopen(name, "we");

	ck_assert_ptr_nonnull(out);
	fputs(text, out);
	ck_assert_int_eq(fclose(out), 0);
}

START_TEST(stays_while_the_file_does)
{
	write_file("f", "text");
	ck_assert_uint_eq(file_mark("f"), file_mark("f"));
	ck_assert_uint_ne(file_mark("f"), 0);
}
END_TEST

START_TEST(changes_when_it_is_written_replaced_or_removed)
{
	uint64_t first;
	uint64_t second;

	write_file("f", "text");
	first = file_mark("f");
	write_file("f", "more text");
	second = file_mark("f");
	ck_assert_uint_ne(first, second);
	write_file("g", "more text");
	ck_assert_int_eq(rename("g", "f"), 0);
	ck_assert_uint_ne(file_mark("f"), second);
	ck_assert_int_eq(unlink("f"), 0);
	ck_assert_uint_eq(file_mark("f"), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("file_mark");
	TCase *tests = tcase_create("file_mark");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, stays_while_the_file_does);
	tcase_add_test(tests, changes_when_it_is_written_replaced_or_removed);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
