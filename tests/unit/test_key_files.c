/* SPDX-License-Identifier: MIT */
/* Which files of keys stay open, and for how long. */
#include "master/key_files.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "unit.h"

static struct key_files files;
static unsigned char names[2][CONFIG_KEY_NAME_BYTES] = { { 1 }, { 2 } };
static struct config_certificate certificates[2];
static struct config config = { .certificates = certificates, .certificate_count = 2 };

static void set_up(void)
{
	key_files_init(&files);
	for (size_t i = 0; i < 2; i++) {
		memcpy(certificates[i].shown.key_name, names[i], sizeof(names[i]));
		certificates[i].shown.pem = "";
	}
}

static void tear_down(void)
{
	key_files_release(&files);
	ck_assert_uint_eq(files.count, 0);
}

static int offer(size_t name)
{
	int fd = memfd_create("key", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	key_files_offer(&files, names[name], fd);
	return fd;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

START_TEST(one_that_was_taken_is_found)
{
	int fd = offer(0);

	ck_assert_int_eq(key_files_find(&files, names[0]), -1);
	key_files_settle(&files, true);
	ck_assert_int_eq(key_files_find(&files, names[0]), fd);
	ck_assert_int_eq(key_files_find(&files, names[1]), -1);
}
END_TEST

START_TEST(the_next_one_takes_its_place_only_when_it_is_taken)
{
	int first = offer(0);
	int other;

	key_files_settle(&files, true);
	other = offer(0);
	key_files_refuse(&files, names[0]);
	ck_assert(!is_open(other));
	other = offer(0);
	key_files_settle(&files, false);
	ck_assert(!is_open(other));
	ck_assert_int_eq(key_files_find(&files, names[0]), first);
	other = offer(0);
	key_files_settle(&files, true);
	ck_assert_int_eq(key_files_find(&files, names[0]), other);
	ck_assert(!is_open(first));
	ck_assert_uint_eq(files.count, 1);
}
END_TEST

START_TEST(what_is_shown_no_more_is_closed_unless_it_is_on_its_way)
{
	int gone = offer(0);
	int left = offer(1);

	key_files_settle(&files, true);
	certificates[0].shown.pem = NULL;
	key_files_forget(&files, &config);
	ck_assert(!is_open(gone));
	ck_assert_int_eq(key_files_find(&files, names[1]), left);
	gone = offer(0);
	key_files_forget(&files, &config);
	ck_assert(is_open(gone));
}
END_TEST

START_TEST(half_of_what_may_be_open_is_kept)
{
	int fd;

	files.max = 1;
	fd = offer(0);
	ck_assert(!is_open(offer(1)));
	key_files_refuse(&files, names[1]);
	key_files_settle(&files, true);
	ck_assert_int_eq(key_files_find(&files, names[0]), fd);
	ck_assert_int_eq(key_files_find(&files, names[1]), -1);
}
END_TEST

START_TEST(a_file_that_is_renamed_or_removed_has_moved)
{
	char path[] = "/tmp/test_key_files.XXXXXX";
	char other[sizeof(path) + 2];
	int fd = mkstemp(path);

	snprintf(other, sizeof(other), "%s.2", path);
	ck_assert(!key_files_moved(fd, path));
	ck_assert_int_eq(rename(path, other), 0);
	ck_assert(key_files_moved(fd, path));
	ck_assert(!key_files_moved(fd, other));
	close(open(path, O_CREAT | O_WRONLY, 0600));
	ck_assert(key_files_moved(fd, path));
	unlink(path);
	unlink(other);
	ck_assert(key_files_moved(fd, other));
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("key_files");
	TCase *tcase = tcase_create("key_files");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, one_that_was_taken_is_found);
	tcase_add_test(tcase, the_next_one_takes_its_place_only_when_it_is_taken);
	tcase_add_test(tcase, what_is_shown_no_more_is_closed_unless_it_is_on_its_way);
	tcase_add_test(tcase, half_of_what_may_be_open_is_kept);
	tcase_add_test(tcase, a_file_that_is_renamed_or_removed_has_moved);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
