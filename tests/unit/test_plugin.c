/* SPDX-License-Identifier: MIT */
#include "plugin/plugin.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "unit.h"

static struct plugin_set set;

static void add(const char *file, const char *name, const char *refusal)
{
	struct plugin *plugin;

	set.items = memory_grow(set.items, set.count + 1, sizeof(*set.items));
	plugin = &set.items[set.count++];
	*plugin = (struct plugin){ .file = memory_text(file) };
	snprintf(plugin->note.name, sizeof(plugin->note.name), "%s", name);
	if (refusal != NULL) {
		plugin_refuse(plugin, "%s", refusal);
	}
}

static void tear_down(void)
{
	plugin_set_release(&set);
}

START_TEST(finds_by_the_name_in_the_note)
{
	add("plugins/a.so", "hello", NULL);
	ck_assert_ptr_eq(plugin_find(&set, "hello"), &set.items[0]);
	ck_assert_ptr_null(plugin_find(&set, "a"));
	ck_assert_ptr_null(plugin_find(&set, "hell"));
}
END_TEST

START_TEST(finds_a_file_without_a_note_by_its_stem)
{
	add("plugins/broken.so", "", "not an ELF file");
	ck_assert_ptr_eq(plugin_find(&set, "broken"), &set.items[0]);
	ck_assert_ptr_null(plugin_find(&set, "broken.so"));
	ck_assert_ptr_null(plugin_find(&set, ""));
}
END_TEST

START_TEST(prefers_the_one_that_is_served)
{
	add("plugins/a.so", "hello", "others may write to it");
	add("plugins/b.so", "hello", NULL);
	ck_assert_ptr_eq(plugin_find(&set, "hello"), &set.items[1]);
}
END_TEST

START_TEST(the_first_refusal_stays)
{
	add("plugins/a.so", "hello", "first");
	plugin_refuse(&set.items[0], "second %d", 2);
	ck_assert_str_eq(set.items[0].refusal, "first");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plugin");
	TCase *tcase = tcase_create("plugin");

	tcase_add_checked_fixture(tcase, NULL, tear_down);
	tcase_add_test(tcase, finds_by_the_name_in_the_note);
	tcase_add_test(tcase, finds_a_file_without_a_note_by_its_stem);
	tcase_add_test(tcase, prefers_the_one_that_is_served);
	tcase_add_test(tcase, the_first_refusal_stays);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
