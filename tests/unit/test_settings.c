/* SPDX-License-Identifier: MIT */
#include "base/settings.h"

#include "unit.h"

/* { "a": { "b": [ 1, { "c": 2 } ], "x.y": 3 }, "d": 4 } */
static void fill(struct settings *settings)
{
	settings_init(settings);
	settings_add(settings, "", SETTING_OBJECT, "{}", "{}", "f:1")->length = 2;
	settings_add(settings, "a", SETTING_OBJECT, "{}", "{}", "f:2")->length = 2;
	settings_add(settings, "a.b", SETTING_ARRAY, "[]", "[]", "f:3")->length = 2;
	settings_add(settings, "a.b.0", SETTING_INT, "1", "1", "f:4")->integer = 1;
	settings_add(settings, "a.b.1", SETTING_OBJECT, "{}", "{}", "f:5")->length = 1;
	settings_add(settings, "a.b.1.c", SETTING_INT, "2", "2", "f:6")->integer = 2;
	settings_add(settings, "a.x.y", SETTING_INT, "3", "3", "f:7")->integer = 3;
	settings_add(settings, "d", SETTING_INT, "4", "4", "f:8")->integer = 4;
}

START_TEST(finds_by_path)
{
	struct settings settings;

	fill(&settings);
	ck_assert_int_eq(settings_find(&settings, "a.b.1.c")->integer, 2);
	ck_assert_str_eq(settings_find(&settings, "a.x.y")->where, "f:7");
	ck_assert_int_eq(settings_find(&settings, "")->type, SETTING_OBJECT);
	ck_assert_ptr_null(settings_find(&settings, "a.b.2"));
	ck_assert_ptr_null(settings_find(&settings, "a."));
	settings_release(&settings);
	ck_assert_ptr_null(settings_find(&settings, ""));
}
END_TEST

START_TEST(names_children_in_document_order)
{
	struct settings settings;

	fill(&settings);
	ck_assert_str_eq(settings_child(&settings, "", 0), "a");
	ck_assert_str_eq(settings_child(&settings, "", 1), "d");
	ck_assert_ptr_null(settings_child(&settings, "", 2));
	ck_assert_str_eq(settings_child(&settings, "a", 0), "b");
	ck_assert_str_eq(settings_child(&settings, "a.b.1", 0), "c");
	settings_release(&settings);
}
END_TEST

START_TEST(a_name_may_hold_dots)
{
	struct settings settings;

	fill(&settings);
	ck_assert_str_eq(settings_child(&settings, "a", 1), "x.y");
	settings_release(&settings);
}
END_TEST

START_TEST(only_objects_have_names)
{
	struct settings settings;

	fill(&settings);
	ck_assert_ptr_null(settings_child(&settings, "a.b", 0));
	ck_assert_ptr_null(settings_child(&settings, "d", 0));
	ck_assert_ptr_null(settings_child(&settings, "nothing", 0));
	settings_release(&settings);
}
END_TEST

START_TEST(a_copy_is_the_same_without_its_original)
{
	struct settings settings;
	struct settings copy;

	fill(&settings);
	settings.items[1].asked = true;
	settings_copy(&copy, &settings);
	ck_assert_uint_eq(copy.count, settings.count);
	for (size_t i = 0; i < copy.count; i++) {
		const struct setting *one = &copy.items[i];
		const struct setting *other = &settings.items[i];

		ck_assert_str_eq(one->path, other->path);
		ck_assert_str_eq(one->text, other->text);
		ck_assert_str_eq(one->json, other->json);
		ck_assert_str_eq(one->where, other->where);
		ck_assert_int_eq(one->type, other->type);
		ck_assert_int_eq(one->integer, other->integer);
		ck_assert_uint_eq(one->length, other->length);
		ck_assert(!one->asked);
	}
	settings_release(&settings);
	ck_assert_str_eq(settings_child(&copy, "a", 0), "b");
	settings_release(&copy);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("settings");
	TCase *tcase = tcase_create("settings");

	tcase_add_test(tcase, finds_by_path);
	tcase_add_test(tcase, names_children_in_document_order);
	tcase_add_test(tcase, a_name_may_hold_dots);
	tcase_add_test(tcase, only_objects_have_names);
	tcase_add_test(tcase, a_copy_is_the_same_without_its_original);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
