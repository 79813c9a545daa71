/* SPDX-License-Identifier: MIT */
#include "cli/columns.h"

#include <stdlib.h>

#include "unit.h"

static const char *const heads[] = { "name", ">count", "file", NULL };

static struct columns columns;

static void set_up(void)
{
	columns_init(&columns, heads);
}

static void tear_down(void)
{
	columns_release(&columns);
}

static void add_row(const char *name, int count, const char *file)
{
	columns_add(&columns, "%s", name);
	columns_add(&columns, "%d", count);
	columns_add(&columns, "%s", file);
}

static void expect_text(const char *expected)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	columns_print(&columns, out);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_str_eq(text, expected);
	free(text);
}

START_TEST(columns_are_as_wide_as_their_widest_cell)
{
	add_row("a", 1234567, "x");
	add_row("hello", 2, "plugins/hello.so");
	expect_text(
	    "name     count  file\n"
	    "a      1234567  x\n"
	    "hello        2  plugins/hello.so\n");
}
END_TEST

START_TEST(heads_alone_are_a_table)
{
	expect_text("name  count  file\n");
}
END_TEST

START_TEST(a_note_stands_below_its_row)
{
	add_row("a", 1, "x");
	columns_note(&columns, "dropped");
	columns_note(&columns, "it is no ELF file");
	add_row("b", 2, "y");
	expect_text(
	    "name  count  file\n"
	    "a         1  x\n"
	    "  it is no ELF file\n"
	    "b         2  y\n");
}
END_TEST

START_TEST(cells_are_fit_for_a_terminal)
{
	add_row("", 1, "a\x1b[2J\n.so");
	columns_note(&columns, "\x07");
	expect_text(
	    "name  count  file\n"
	    "-         1  a\\x1b[2J\\x0a.so\n"
	    "  \\x07\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("columns");
	TCase *tcase = tcase_create("columns");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, columns_are_as_wide_as_their_widest_cell);
	tcase_add_test(tcase, heads_alone_are_a_table);
	tcase_add_test(tcase, a_note_stands_below_its_row);
	tcase_add_test(tcase, cells_are_fit_for_a_terminal);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
