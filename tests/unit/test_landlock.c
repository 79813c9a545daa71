/* SPDX-License-Identifier: MIT */
/* Files and ports that a process has given up; all as far as the kernel has it. */
#define _GNU_SOURCE 1
#include "os/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"
#include "forked.h"

static char folder[FOLDER_BYTES];
static char file[64];
static char other[64];

static void make_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void set_up(void)
{
	folder_make(folder);
	snprintf(file, sizeof(file), "%s/file", folder);
	snprintf(other, sizeof(other), "%s/other", folder);
	make_file(file);
	make_file(other);
}

static void tear_down(void)
{
	folder_remove(folder);
}

/* errno, or 0. */
static int try_open(const char *path, int flags)
{
	int fd = open(path, flags, 0600);

	return fd < 0 ? errno : close(fd);
}

static int open_without_grant(int flags)
{
	struct landlock ruleset = landlock_begin(LANDLOCK_FILES);

	return landlock_enter(ruleset) == 0 && try_open(file, flags) == EACCES ? 0 : 1;
}

START_TEST(what_is_not_granted_cannot_be_opened)
{
	assert_done(open_without_grant, O_RDONLY);
	assert_done(open_without_grant, O_WRONLY);
}
END_TEST

static int open_what_is_granted(int grant)
{
	struct landlock ruleset = landlock_begin(LANDLOCK_FILES);
	int written = grant == LANDLOCK_WRITE ? 0 : EACCES;

	if (landlock_grant(ruleset, file, grant) != 0 || landlock_enter(ruleset) != 0) {
		return 1;
	}
	return try_open(file, O_RDONLY) == 0 && try_open(file, O_WRONLY) == written &&
	    try_open(other, O_RDONLY) == EACCES ? 0 : 2;
}

START_TEST(a_grant_is_for_its_file_alone)
{
	assert_done(open_what_is_granted, LANDLOCK_READ);
	assert_done(open_what_is_granted, LANDLOCK_WRITE);
}
END_TEST

static int change_folder(int grant)
{
	struct landlock ruleset = landlock_begin(LANDLOCK_FILES);
	int made = grant == LANDLOCK_WRITE ? 0 : EACCES;
	int fd = open(folder, O_PATH | O_CLOEXEC);

	if (landlock_grant_fd(ruleset, fd, grant) != 0 || landlock_enter(ruleset) != 0) {
		return 1;
	}
	if (try_open(other, O_RDONLY) != 0 || (unlink(other) == 0 ? 0 : errno) != made) {
		return 2;
	}
	return try_open(other, O_RDWR | O_CREAT) == made ? 0 : 3;
}

START_TEST(a_grant_of_a_folder_is_for_all_in_it)
{
	assert_done(change_folder, LANDLOCK_READ);
	assert_done(change_folder, LANDLOCK_WRITE);
}
END_TEST

START_TEST(what_is_not_there_cannot_be_granted)
{
	struct landlock ruleset = landlock_begin(LANDLOCK_FILES);

	ck_assert_int_eq(landlock_grant(ruleset, "/nowhere", LANDLOCK_READ), ERR_SYSTEM);
	ck_assert_int_eq(errno, ENOENT);
	close(ruleset.fd);
}
END_TEST

static int use_files_without_devices(int unused)
{
	char away[80];

	(void)unused;
	snprintf(away, sizeof(away), "%s.away", folder);
	if (landlock_enter(landlock_begin(LANDLOCK_DEVICES)) != 0) {
		return 1;
	}
	if (rename(other, away) != 0 || rename(away, other) != 0 ||
	    try_open(file, O_RDWR) != 0) {
		return 2;
	}
	return geteuid() != 0 || (mknod(away, S_IFCHR | 0600, 0x103) != 0 &&
	    errno == EACCES) ? 0 : 3;
}

START_TEST(without_devices_files_go_on_as_ever)
{
	if (landlock_version() >= 2) {
		assert_done(use_files_without_devices, 0);
	}
}
END_TEST

static int look_out(int parent)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", parent);
	if (landlock_enter(landlock_begin(LANDLOCK_DEVICES)) != 0) {
		return 1;
	}
	return try_open(path, O_RDONLY) == EACCES ? 0 : 2;
}

START_TEST(it_cannot_look_into_others)
{
	assert_done(look_out, getpid());
}
END_TEST

static int send_signal(int parent)
{
	if (landlock_enter(landlock_begin(LANDLOCK_DEVICES)) != 0) {
		return 1;
	}
	return kill(parent, 0) != 0 && errno == EPERM && kill(getpid(), 0) == 0 ? 0 : 2;
}

START_TEST(it_cannot_send_others_signals)
{
	if (landlock_version() >= 6) {
		assert_done(send_signal, getpid());
	}
}
END_TEST

static int use_ports(int unused)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)unused;
	if (landlock_enter(landlock_begin(LANDLOCK_PORTS)) != 0) {
		return 1;
	}
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ||
	    errno != EACCES) {
		return 2;
	}
	address.sin_port = htons(1);
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 &&
	    errno == EACCES ? 0 : 3;
}

START_TEST(it_cannot_use_ports)
{
	if (landlock_version() >= 4) {
		assert_done(use_ports, 0);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("landlock");
	TCase *tests = tcase_create("landlock");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	if (landlock_version() > 0) {
		tcase_add_test(tests, what_is_not_granted_cannot_be_opened);
		tcase_add_test(tests, a_grant_is_for_its_file_alone);
		tcase_add_test(tests, a_grant_of_a_folder_is_for_all_in_it);
		tcase_add_test(tests, what_is_not_there_cannot_be_granted);
		tcase_add_test(tests, without_devices_files_go_on_as_ever);
		tcase_add_test(tests, it_cannot_look_into_others);
		tcase_add_test(tests, it_cannot_send_others_signals);
		tcase_add_test(tests, it_cannot_use_ports);
	}
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
