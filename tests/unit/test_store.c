/* SPDX-License-Identifier: MIT */
#include "plugin/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <time.h>

#include "rig.h"
#include "unit.h"

static struct rig rig;
static struct store store = { .directory = -1 };

static void set_up(void)
{
	rig_open(&rig);
	ck_assert_int_eq(store_open(&store, rig.state, &rig.problems), 0);
}

static void tear_down(void)
{
	store_close(&store);
	rig_close(&rig);
}

/* Puts text under a hash of sixteen times digit; the caller frees the path. */
static char *put(const char *stem, char digit, const char *text)
{
	char hash[17];
	char *path = NULL;

	memset(hash, digit, 16);
	hash[16] = '\0';
	ck_assert_int_eq(store_put(&store, stem, hash, text, strlen(text), &path,
	    &rig.problems), 0);
	return path;
}

static void expect_content(const char *path, const char *text)
{
	char block[64];
	FILE *file = fopen(path, "rb");
	size_t size;

	ck_assert_msg(file != NULL, "%s is not there", path);
	size = fread(block, 1, sizeof(block), file);
	fclose(file);
	ck_assert_uint_eq(size, strlen(text));
	ck_assert_mem_eq(block, text, size);
}

static ino_t inode_of(const char *path)
{
	struct stat status;

	ck_assert_int_eq(stat(path, &status), 0);
	return status.st_ino;
}

/* Makes the copy of that age, in seconds. */
/* Copies of one tick of the file system's clock are equally old: they are made older. */
static void age(const char *path, time_t seconds)
{
	struct timespec times[2] = { { .tv_sec = time(NULL) - seconds },
		{ .tv_sec = time(NULL) - seconds } };

	ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

START_TEST(makes_its_folders)
{
	struct stat status;

	ck_assert_int_eq(stat(store.path, &status), 0);
	ck_assert(S_ISDIR(status.st_mode));
	ck_assert_int_eq(status.st_mode & 0022, 0);
	store_close(&store);
	ck_assert_int_eq(store_open(&store, rig.state, &rig.problems), 0);
}
END_TEST

START_TEST(same_content_is_not_written_again)
{
	char *first = put("a", '0', "content");
	ino_t inode = inode_of(first);
	char *second = put("a", '0', "content");

	ck_assert_str_eq(first, second);
	ck_assert_uint_eq(inode_of(second), inode);
	free(first);
	free(second);
}
END_TEST

START_TEST(damaged_copy_is_replaced_not_repaired)
{
	char *path = put("a", '0', "content");
	int old = open(path, O_RDONLY | O_CLOEXEC);
	char block[8] = "";

	ck_assert_int_eq(chmod(path, 0644), 0);
	ck_assert_int_eq(truncate(path, 3), 0);
	free(path);
	path = put("a", '0', "content");
	expect_content(path, "content");
	/* Whoever has mapped the old one keeps it as it is. */
	ck_assert_int_eq(read(old, block, sizeof(block)), 3);
	close(old);
	free(path);
}
END_TEST

START_TEST(copy_of_same_size_but_other_bytes_is_replaced)
{
	char *path = put("a", '0', "content");
	FILE *file;

	ck_assert_int_eq(chmod(path, 0644), 0);
	file = fopen(path, "wb");
	fputs("CONTENT", file);
	fclose(file);
	free(path);
	path = put("a", '0', "content");
	expect_content(path, "content");
	free(path);
}
END_TEST

START_TEST(keeps_the_newest_three_of_a_stem)
{
	static const char digits[] = "abcde";
	char *paths[5];
	char *other = put("other", '0', "other");

	age(other, 1000);
	for (int i = 0; i < 5; i++) {
		paths[i] = put("a", digits[i], "content");
		age(paths[i], 100 - i);
	}
	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(access(paths[i], F_OK), i < 2 ? -1 : 0);
		free(paths[i]);
	}
	expect_content(other, "other");
	free(other);
}
END_TEST

static void put_aged(char digit, time_t seconds)
{
	char *path = put("a", digit, "content");

	age(path, seconds);
	free(path);
}

START_TEST(an_old_copy_that_is_used_again_is_kept)
{
	char *old;

	put_aged('1', 5000);
	put_aged('2', 4000);
	put_aged('3', 3000);
	old = put("a", '1', "content");
	put_aged('4', 2000);
	put_aged('5', 1000);
	expect_content(old, "content");
	free(old);
}
END_TEST

START_TEST(leaves_no_temporary_files)
{
	DIR *entries;
	struct dirent *entry;

	free(put("a", '1', "one"));
	entries = opendir(store.path);
	while ((entry = readdir(entries)) != NULL) {
		ck_assert(entry->d_name[0] != '.' || strlen(entry->d_name) <= 2);
	}
	closedir(entries);
}
END_TEST

START_TEST(a_name_that_cannot_be_written_is_a_problem)
{
	char stem[300];
	char *path = NULL;

	memset(stem, 'x', sizeof(stem) - 1);
	stem[sizeof(stem) - 1] = '\0';
	ck_assert_int_eq(store_put(&store, stem, "0123456789abcdef", "x", 1, &path,
	    &rig.problems), ERR_SYSTEM);
	ck_assert_ptr_null(path);
	ck_assert_uint_eq(rig.problems.errors, 1);
	ck_assert_str_eq(rig.problems.items[0].what,
	    "cannot be written: File name too long");
}
END_TEST

START_TEST(refuses_a_folder_that_others_may_write)
{
	ck_assert_int_eq(chmod(store.path, 0777), 0);
	store_close(&store);
	ck_assert_int_eq(store_open(&store, rig.state, &rig.problems), ERR_INVALID);
	ck_assert_uint_eq(rig.problems.errors, 1);
	ck_assert_str_eq(rig.problems.items[0].what, "others may write to it");
}
END_TEST

START_TEST(a_folder_that_cannot_be_made_is_a_problem)
{
	struct store other;

	ck_assert_int_eq(store_open(&other, "/proc/no/such", &rig.problems), ERR_SYSTEM);
	ck_assert_uint_eq(rig.problems.errors, 1);
	ck_assert_ptr_nonnull(strstr(rig.problems.items[0].what, "cannot be made: "));
	store_close(&other);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store");
	TCase *tcase = tcase_create("store");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, makes_its_folders);
	tcase_add_test(tcase, same_content_is_not_written_again);
	tcase_add_test(tcase, damaged_copy_is_replaced_not_repaired);
	tcase_add_test(tcase, copy_of_same_size_but_other_bytes_is_replaced);
	tcase_add_test(tcase, keeps_the_newest_three_of_a_stem);
	tcase_add_test(tcase, an_old_copy_that_is_used_again_is_kept);
	tcase_add_test(tcase, leaves_no_temporary_files);
	tcase_add_test(tcase, a_name_that_cannot_be_written_is_a_problem);
	tcase_add_test(tcase, refuses_a_folder_that_others_may_write);
	tcase_add_test(tcase, a_folder_that_cannot_be_made_is_a_problem);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
