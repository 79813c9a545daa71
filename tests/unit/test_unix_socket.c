/* SPDX-License-Identifier: MIT */
/* Unix sockets: which files they replace, and which they never do. */
#include "os/unix_socket.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"
#include "unit.h"

static const struct unix_access access_all = { .mode = 0606 };

static char folder[FOLDER_BYTES];
static char path[sizeof(folder) + 32];
static char why[UNIX_SOCKET_WHY_BYTES];

static void set_up(void)
{
	folder_make(folder);
	snprintf(path, sizeof(path), "%s/web.sock", folder);
	why[0] = '\0';
}

static void tear_down(void)
{
	folder_remove(folder);
}

static int listen_on(const char *name, struct unix_file *file)
{
	int fd = -1;

	ck_assert_msg(unix_socket_listen(name, &access_all, &fd, file, why) == 0, "%s",
	    why);
	return fd;
}

static void assert_refused(const char *name, const char *words)
{
	struct unix_file file;
	int fd = -1;

	ck_assert_int_eq(unix_socket_listen(name, &access_all, &fd, &file, why),
	    ERR_SYSTEM);
	ck_assert_msg(strstr(why, words) != NULL, "%s", why);
}

START_TEST(its_file_has_the_mode_that_is_wanted)
{
	struct stat status;
	struct unix_file file;
	mode_t mask = umask(0077);
	int fd = listen_on(path, &file);

	ck_assert_uint_eq(umask(mask), 0077);
	ck_assert_int_eq(lstat(path, &status), 0);
	ck_assert_uint_eq(status.st_mode, S_IFSOCK | 0606);
	ck_assert_uint_eq(status.st_ino, file.inode);
	close(fd);
}
END_TEST

START_TEST(what_is_left_of_another_is_replaced)
{
	struct unix_file file;
	int fd;

	close(listen_on(path, &file));
	fd = listen_on(path, &file);
	assert_refused(path, "in use by process");
	close(fd);
}
END_TEST

START_TEST(another_file_stays)
{
	struct stat status;
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	close(fd);
	assert_refused(path, "no socket");
	ck_assert_int_eq(lstat(path, &status), 0);
	ck_assert(S_ISREG(status.st_mode));
}
END_TEST

/* Whatever it leads to. */
START_TEST(a_link_stays)
{
	struct stat status;

	ck_assert_int_eq(symlink("nowhere", path), 0);
	assert_refused(path, "no socket");
	ck_assert_int_eq(lstat(path, &status), 0);
	ck_assert(S_ISLNK(status.st_mode));
}
END_TEST

START_TEST(a_folder_must_be_there)
{
	char deeper[sizeof(path) + 8];

	snprintf(deeper, sizeof(deeper), "%s/a/b", folder);
	assert_refused(deeper, "No such file or directory");
}
END_TEST

START_TEST(the_file_is_removed_if_it_is_still_that_one)
{
	struct unix_file before;
	struct unix_file file;
	struct stat status;
	char moved[sizeof(path) + 8];
	int first = listen_on(path, &before);
	int fd;

	/* Moved away, so that its inode is no other's. */
	snprintf(moved, sizeof(moved), "%s.old", path);
	ck_assert_int_eq(rename(path, moved), 0);
	fd = listen_on(path, &file);
	unix_socket_remove(path, &before);
	ck_assert_int_eq(lstat(path, &status), 0);
	unix_socket_remove(path, &file);
	ck_assert_int_ne(lstat(path, &status), 0);
	ck_assert_int_eq(unlink(moved), 0);
	close(first);
	close(fd);
}
END_TEST

START_TEST(its_mode_may_change)
{
	const struct unix_access narrow = { .mode = 0600 };
	struct unix_file file;
	struct stat status;
	int fd = listen_on(path, &file);

	ck_assert_int_eq(unix_socket_admit(path, &narrow, &file, why), 0);
	ck_assert_int_eq(lstat(path, &status), 0);
	ck_assert_uint_eq(status.st_mode, S_IFSOCK | 0600);
	file.inode++;
	ck_assert_int_eq(unix_socket_admit(path, &access_all, &file, why), 0);
	ck_assert_int_eq(lstat(path, &status), 0);
	ck_assert_uint_eq(status.st_mode, S_IFSOCK | 0600);
	close(fd);
}
END_TEST

START_TEST(owners_must_exist)
{
	const struct unix_access nobody = { .mode = 0600, .owner = "no-such-user:0" };
	struct unix_file file;
	int fd = -1;

	ck_assert_int_eq(unix_socket_listen(path, &nobody, &fd, &file, why), ERR_SYSTEM);
	ck_assert_str_eq(why, "there is no user 'no-such-user'");
	ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(groups_must_exist)
{
	const struct unix_access nobody = { .mode = 0600, .owner = ":no-such-group" };
	struct unix_file file;
	int fd = -1;

	ck_assert_int_eq(unix_socket_listen(path, &nobody, &fd, &file, why), ERR_SYSTEM);
	ck_assert_str_eq(why, "there is no group 'no-such-group'");
	ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(an_owner_may_be_a_number)
{
	char owner[64];
	struct unix_access own = { .mode = 0600, .owner = owner };
	struct unix_file file;
	int fd = -1;

	snprintf(owner, sizeof(owner), "%u:%u", (unsigned)getuid(), (unsigned)getgid());
	ck_assert_int_eq(unix_socket_listen(path, &own, &fd, &file, why), 0);
	close(fd);
}
END_TEST

START_TEST(an_abstract_name_has_no_file)
{
	char name[64];
	struct unix_file file;
	int fd;

	snprintf(name, sizeof(name), "@unix_socket.%d", (int)getpid());
	fd = listen_on(name, &file);
	ck_assert_uint_eq(file.inode, 0);
	assert_refused(name, "in use by process");
	close(fd);
	close(listen_on(name, &file));
}
END_TEST

START_TEST(a_path_has_its_bounds)
{
	char longest[UNIX_SOCKET_PATH_MAX + 2];

	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_refused(longest, "too long");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("unix_socket");
	TCase *tests = tcase_create("unix_socket");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, its_file_has_the_mode_that_is_wanted);
	tcase_add_test(tests, what_is_left_of_another_is_replaced);
	tcase_add_test(tests, another_file_stays);
	tcase_add_test(tests, a_link_stays);
	tcase_add_test(tests, a_folder_must_be_there);
	tcase_add_test(tests, the_file_is_removed_if_it_is_still_that_one);
	tcase_add_test(tests, its_mode_may_change);
	tcase_add_test(tests, owners_must_exist);
	tcase_add_test(tests, groups_must_exist);
	tcase_add_test(tests, an_owner_may_be_a_number);
	tcase_add_test(tests, an_abstract_name_has_no_file);
	tcase_add_test(tests, a_path_has_its_bounds);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
