/* SPDX-License-Identifier: MIT */
#include "rig.h"
#include "unit.h"

static struct rig rig;

static void set_up(void)
{
	rig_open(&rig);
}

static void tear_down(void)
{
	rig_close(&rig);
}

static void expect_refusal(const char *text)
{
	ck_assert_uint_eq(rig.set.count, 1);
	ck_assert_ptr_nonnull(rig.set.items[0].refusal);
	ck_assert_msg(strstr(rig.set.items[0].refusal, text) != NULL,
	    "said '%s', not '%s'", rig.set.items[0].refusal, text);
	ck_assert_ptr_null(rig.set.items[0].copy);
	ck_assert_uint_eq(rig.problems.count, 0);
}

static void change_mode(const char *file, mode_t mode)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", rig.plugins, file);
	ck_assert_int_eq(chmod(path, mode), 0);
}

START_TEST(takes_a_private_copy_named_by_hash)
{
	const struct plugin *plugin = rig_scan_one(&rig, "greeter");
	char expected[256];
	struct stat status;

	ck_assert_msg(plugin->refusal == NULL, "%s", plugin->refusal);
	ck_assert_str_eq(plugin->note.name, "greeter");
	ck_assert_uint_eq(strlen(plugin->hash), 16);
	snprintf(expected, sizeof(expected), "%s/plugins/greeter-%s.so", rig.state,
	    plugin->hash);
	ck_assert_str_eq(plugin->copy, expected);
	ck_assert_int_eq(stat(plugin->copy, &status), 0);
	ck_assert_int_eq(status.st_mode & 07777, 0444);
	ck_assert_ptr_null(plugin->handler);
}
END_TEST

START_TEST(sorts_by_file_and_skips_other_names)
{
	rig_add_as(&rig, "greeter", "b.so");
	rig_add_as(&rig, "mirror", "a.so");
	rig_write(&rig, ".hidden.so", "", 0);
	rig_write(&rig, "half.so.tmp", "", 0);
	rig_write(&rig, "notes.txt", "", 0);
	rig_write(&rig, "so", "", 0);
	rig_scan(&rig);
	ck_assert_uint_eq(rig.set.count, 2);
	ck_assert_str_eq(rig.set.items[0].note.name, "mirror");
	ck_assert_str_eq(rig.set.items[1].note.name, "greeter");
}
END_TEST

START_TEST(refused_files_stay_with_their_refusal)
{
	rig_write(&rig, "text.so", "#!/bin/sh\n", 10);
	rig_scan(&rig);
	expect_refusal("not an ELF file");
	ck_assert_str_eq(rig.set.items[0].note.name, "");
	ck_assert_ptr_eq(plugin_find(&rig.set, "text"), &rig.set.items[0]);
}
END_TEST

START_TEST(refuses_an_empty_file)
{
	rig_write(&rig, "empty.so", "", 0);
	rig_scan(&rig);
	expect_refusal("not an ELF file");
}
END_TEST

START_TEST(refuses_a_half_copied_file)
{
	size_t size;
	unsigned char *data = rig_read("greeter", &size);

	rig_write(&rig, "greeter.so", data, size / 2);
	free(data);
	rig_scan(&rig);
	expect_refusal("truncated: ");
}
END_TEST

START_TEST(refuses_a_symbolic_link)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/link.so", rig.plugins);
	ck_assert_int_eq(symlink("/etc/passwd", path), 0);
	rig_scan(&rig);
	expect_refusal("a symbolic link");
}
END_TEST

START_TEST(refuses_what_is_no_regular_file_without_waiting_for_it)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/pipe.so", rig.plugins);
	ck_assert_int_eq(mkfifo(path, 0644), 0);
	rig_scan(&rig);
	expect_refusal("not a regular file");
}
END_TEST

START_TEST(refuses_a_file_that_others_may_write)
{
	rig_add(&rig, "greeter");
	change_mode("greeter.so", 0664);
	rig_scan(&rig);
	expect_refusal("others may write to it (mode 0664)");
	change_mode("greeter.so", 0646);
	rig_scan(&rig);
	expect_refusal("others may write to it (mode 0646)");
}
END_TEST

START_TEST(refuses_files_of_a_folder_that_others_may_write)
{
	rig_add(&rig, "greeter");
	change_mode(".", 0777);
	rig_scan(&rig);
	expect_refusal("others may write to its folder");
	change_mode(".", 0755);
}
END_TEST

START_TEST(refuses_a_file_of_another_user)
{
	char path[256];

	rig_add(&rig, "greeter");
	snprintf(path, sizeof(path), "%s/greeter.so", rig.plugins);
	if (chown(path, 12345, 12345) != 0) {
		return;	/* Only root can give files away. */
	}
	rig_scan(&rig);
	expect_refusal("owned by user 12345");
}
END_TEST

START_TEST(refuses_a_file_that_is_too_large)
{
	char path[256];

	rig_write(&rig, "large.so", "", 0);
	snprintf(path, sizeof(path), "%s/large.so", rig.plugins);
	ck_assert_int_eq(truncate(path, (off_t)(256 << 20) + 1), 0);
	rig_scan(&rig);
	expect_refusal("larger than 256 MiB");
}
END_TEST

START_TEST(refuses_the_second_of_two_with_one_name)
{
	rig_add_as(&rig, "greeter", "one.so");
	rig_add_as(&rig, "greeter", "two.so");
	rig_scan(&rig);
	plugin_set_settle_names(&rig.set);
	ck_assert_ptr_null(rig.set.items[0].refusal);
	ck_assert_ptr_nonnull(strstr(rig.set.items[1].refusal,
	    "its handler name 'greeter' is taken by "));
	ck_assert_ptr_nonnull(strstr(rig.set.items[1].refusal, "/one.so"));
	ck_assert_ptr_eq(plugin_find(&rig.set, "greeter"), &rig.set.items[0]);
}
END_TEST

START_TEST(a_refused_file_does_not_take_its_name)
{
	rig_add_as(&rig, "greeter", "one.so");
	change_mode("one.so", 0666);
	rig_add_as(&rig, "greeter", "two.so");
	rig_scan(&rig);
	plugin_set_settle_names(&rig.set);
	ck_assert_ptr_nonnull(rig.set.items[0].refusal);
	ck_assert_ptr_null(rig.set.items[1].refusal);
	ck_assert_ptr_eq(plugin_find(&rig.set, "greeter"), &rig.set.items[1]);
	ck_assert_ptr_eq(plugin_find(&rig.set, "one"), &rig.set.items[0]);
	ck_assert_ptr_null(plugin_find(&rig.set, "two"));
}
END_TEST

START_TEST(empty_folder_is_an_empty_set)
{
	rig_scan(&rig);
	ck_assert_uint_eq(rig.set.count, 0);
	ck_assert_uint_eq(rig.problems.count, 0);
	ck_assert_ptr_null(plugin_find(&rig.set, "greeter"));
}
END_TEST

START_TEST(missing_folder_is_a_problem)
{
	ck_assert_int_eq(rmdir(rig.plugins), 0);
	rig_scan(&rig);
	ck_assert_uint_eq(rig.set.count, 0);
	ck_assert_uint_eq(rig.problems.errors, 1);
	ck_assert_str_eq(rig.problems.items[0].where, rig.plugins);
	ck_assert_str_eq(rig.problems.items[0].what,
	    "cannot be read: No such file or directory");
}
END_TEST

START_TEST(one_file_is_judged_by_itself)
{
	char path[256];

	rig_add(&rig, "greeter");
	rig_add(&rig, "no_note");
	snprintf(path, sizeof(path), "%s/greeter.so", rig.plugins);
	plugin_scan_file(&rig.set, path, rig.state, &rig.problems);
	ck_assert_uint_eq(rig.set.count, 1);
	ck_assert_str_eq(rig.set.items[0].file, path);
	ck_assert_str_eq(rig.set.items[0].note.name, "greeter");
	ck_assert_ptr_null(rig.set.items[0].refusal);
	ck_assert_ptr_nonnull(rig.set.items[0].copy);
	plugin_set_release(&rig.set);
	snprintf(path, sizeof(path), "%s/no_note.so", rig.plugins);
	plugin_scan_file(&rig.set, path, rig.state, &rig.problems);
	ck_assert_ptr_nonnull(rig.set.items[0].refusal);
	ck_assert_uint_eq(rig.problems.count, 0);
}
END_TEST

START_TEST(one_file_in_a_missing_folder_is_a_problem)
{
	plugin_scan_file(&rig.set, "/no/such.so", rig.state, &rig.problems);
	ck_assert_uint_eq(rig.set.count, 0);
	ck_assert_uint_eq(rig.problems.errors, 1);
	ck_assert_str_eq(rig.problems.items[0].where, "/no/such.so");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("scan");
	TCase *tcase = tcase_create("scan");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, takes_a_private_copy_named_by_hash);
	tcase_add_test(tcase, sorts_by_file_and_skips_other_names);
	tcase_add_test(tcase, refused_files_stay_with_their_refusal);
	tcase_add_test(tcase, refuses_an_empty_file);
	tcase_add_test(tcase, refuses_a_half_copied_file);
	tcase_add_test(tcase, refuses_a_symbolic_link);
	tcase_add_test(tcase, refuses_what_is_no_regular_file_without_waiting_for_it);
	tcase_add_test(tcase, refuses_a_file_that_others_may_write);
	tcase_add_test(tcase, refuses_files_of_a_folder_that_others_may_write);
	tcase_add_test(tcase, refuses_a_file_of_another_user);
	tcase_add_test(tcase, refuses_a_file_that_is_too_large);
	tcase_add_test(tcase, refuses_the_second_of_two_with_one_name);
	tcase_add_test(tcase, a_refused_file_does_not_take_its_name);
	tcase_add_test(tcase, empty_folder_is_an_empty_set);
	tcase_add_test(tcase, missing_folder_is_a_problem);
	tcase_add_test(tcase, one_file_is_judged_by_itself);
	tcase_add_test(tcase, one_file_in_a_missing_folder_is_a_problem);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
