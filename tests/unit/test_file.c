/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE 1
#include "os/file.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "unit.h"

static int fd;
static char text[16];
static size_t size;

static void set_up(void)
{
	fd = memfd_create("file", MFD_CLOEXEC);
	ck_assert_int_eq(write(fd, "content", 7), 7);
	memset(text, 0, sizeof(text));
}

static void tear_down(void)
{
	close(fd);
}

START_TEST(a_file_is_read_from_its_beginning)
{
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(file_read(fd, text, sizeof(text), &size), 0);
		ck_assert_uint_eq(size, 7);
		ck_assert_mem_eq(text, "content", 7);
	}
}
END_TEST

START_TEST(no_more_is_read_than_there_is_room_for)
{
	ck_assert_int_eq(file_read(fd, text, 4, &size), 0);
	ck_assert_uint_eq(size, 4);
	ck_assert_mem_eq(text, "cont\0", 5);
}
END_TEST

START_TEST(an_empty_one_has_no_bytes)
{
	ck_assert_int_eq(ftruncate(fd, 0), 0);
	ck_assert_int_eq(file_read(fd, text, sizeof(text), &size), 0);
	ck_assert_uint_eq(size, 0);
}
END_TEST

START_TEST(what_is_no_file_is_refused)
{
	int ends[2];

	ck_assert_int_eq(file_read(-1, text, sizeof(text), &size), ERR_SYSTEM);
	ck_assert_int_eq(errno, EBADF);
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(file_read(ends[0], text, sizeof(text), &size), ERR_SYSTEM);
	ck_assert_int_eq(errno, ESPIPE);
	ck_assert_uint_eq(size, 0);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("file");
	TCase *tcase = tcase_create("file");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_file_is_read_from_its_beginning);
	tcase_add_test(tcase, no_more_is_read_than_there_is_room_for);
	tcase_add_test(tcase, an_empty_one_has_no_bytes);
	tcase_add_test(tcase, what_is_no_file_is_refused);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
