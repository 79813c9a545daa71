/* SPDX-License-Identifier: MIT */
/* Files of certificates and keys: whatever a name stands for, it is read at once or
 * refused. */
#include "tls/pem_file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"
#include "unit.h"

static char folder[FOLDER_BYTES];
static char path[64];
static size_t size;
static const char *why;

static void set_up(void)
{
	folder_make(folder);
	snprintf(path, sizeof(path), "%s/file", folder);
	why = NULL;
}

static void tear_down(void)
{
	folder_remove(folder);
}

static void write_file(size_t count)
{
	FILE *out = fopen(path, "w");

	for (size_t i = 0; i < count; i++) {
		fputc('x', out);
	}
	ck_assert_int_eq(fclose(out), 0);
}

START_TEST(a_file_is_read_up_to_its_bound)
{
	char *content;

	write_file(100);
	content = pem_file_read(path, 100, &size, &why);
	ck_assert_uint_eq(size, 100);
	ck_assert_uint_eq(strlen(content), 100);
	ck_assert_ptr_null(why);
	free(content);
	ck_assert_ptr_null(pem_file_read(path, 99, &size, &why));
	ck_assert_str_eq(why, "it is too large");
}
END_TEST

START_TEST(nothing_is_no_content)
{
	write_file(0);
	ck_assert_ptr_null(pem_file_read(path, 100, &size, &why));
	ck_assert_str_eq(why, "it is empty");
}
END_TEST

START_TEST(what_is_no_regular_file_is_refused_at_once)
{
	ck_assert_ptr_null(pem_file_read(folder, 100, &size, &why));
	ck_assert_str_eq(why, "Is a directory");
	ck_assert_ptr_null(pem_file_read("/dev/zero", 100, &size, &why));
	ck_assert_str_eq(why, "it is no regular file");
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_ptr_null(pem_file_read(path, 100, &size, &why));
	ck_assert_str_eq(why, "it is no regular file");
}
END_TEST

START_TEST(what_is_not_there_is_told)
{
	ck_assert_ptr_null(pem_file_read(path, 100, &size, &why));
	ck_assert_str_eq(why, "No such file or directory");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pem_file");
	TCase *tcase = tcase_create("pem_file");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_file_is_read_up_to_its_bound);
	tcase_add_test(tcase, nothing_is_no_content);
	tcase_add_test(tcase, what_is_no_regular_file_is_refused_at_once);
	tcase_add_test(tcase, what_is_not_there_is_told);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
