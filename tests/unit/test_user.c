/* SPDX-License-Identifier: MIT */
/* Users by their names, and becoming one of them. */
#define _GNU_SOURCE 1
#include "os/user.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"

static struct user user;
static char why[USER_WHY_BYTES];

static void assert_unknown(const char *text, const char *reason)
{
	ck_assert_int_eq(user_find(text, &user, why), ERR_MISSING);
	ck_assert_str_eq(why, reason);
}

START_TEST(finds_a_user_with_all_its_groups)
{
	bool member = false;

	ck_assert_int_eq(user_find("root", &user, why), 0);
	ck_assert_uint_eq(user.uid, 0);
	ck_assert_uint_eq(user.gid, 0);
	for (size_t i = 0; i < user.group_count; i++) {
		member = member || user.groups[i] == 0;
	}
	ck_assert(member);
}
END_TEST

START_TEST(takes_a_number_for_a_name)
{
	ck_assert_int_eq(user_find("0", &user, why), 0);
	ck_assert_uint_eq(user.uid, 0);
	ck_assert_uint_eq(user.gid, 0);
}
END_TEST

START_TEST(takes_another_group_in_place_of_its_own)
{
	ck_assert_int_eq(user_find("root:4000", &user, why), 0);
	ck_assert_uint_eq(user.uid, 0);
	ck_assert_uint_eq(user.gid, 4000);
}
END_TEST

START_TEST(a_number_that_has_no_name_has_the_group_that_is_said)
{
	ck_assert_int_eq(user_find("4123456:4000", &user, why), 0);
	ck_assert_uint_eq(user.uid, 4123456);
	ck_assert_uint_eq(user.gid, 4000);
	ck_assert_uint_eq(user.group_count, 1);
	ck_assert_uint_eq(user.groups[0], 4000);
}
END_TEST

START_TEST(says_who_is_not_there)
{
	assert_unknown("no-such-user", "there is no user 'no-such-user'");
	assert_unknown("root:no-such-group", "there is no group 'no-such-group'");
	assert_unknown("4123456", "user '4123456' has no name, and so no group");
}
END_TEST

START_TEST(takes_no_number_that_the_kernel_does_not)
{
	assert_unknown("4294967295:0", "there is no user '4294967295'");
	assert_unknown("-1:0", "there is no user '-1'");
	assert_unknown("99999999999999999999:0",
	    "there is no user '99999999999999999999'");
}
END_TEST

START_TEST(takes_no_name_that_is_longer_than_any)
{
	char text[200];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ck_assert_int_eq(user_find(text, &user, why), ERR_MISSING);
}
END_TEST

START_TEST(who_has_left_root_does_not_come_back)
{
	gid_t groups[2];
	uid_t uids[3];

	if (geteuid() != 0) {
		return;
	}
	ck_assert_int_eq(user_find("4123456:4000", &user, why), 0);
	ck_assert_int_eq(user_become(&user), 0);
	ck_assert_int_eq(getresuid(&uids[0], &uids[1], &uids[2]), 0);
	for (size_t i = 0; i < 3; i++) {
		ck_assert_uint_eq(uids[i], 4123456);
	}
	ck_assert_uint_eq(getegid(), 4000);
	ck_assert_int_eq(getgroups(2, groups), 1);
	ck_assert_uint_eq(groups[0], 4000);
	ck_assert_int_eq(setuid(0), -1);
	ck_assert_int_eq(user_find("root", &user, why), 0);
	ck_assert_int_eq(user_become(&user), ERR_SYSTEM);
	ck_assert_int_eq(errno, EPERM);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("user");
	TCase *tests = tcase_create("user");

	tcase_add_test(tests, finds_a_user_with_all_its_groups);
	tcase_add_test(tests, takes_a_number_for_a_name);
	tcase_add_test(tests, takes_another_group_in_place_of_its_own);
	tcase_add_test(tests, a_number_that_has_no_name_has_the_group_that_is_said);
	tcase_add_test(tests, says_who_is_not_there);
	tcase_add_test(tests, takes_no_number_that_the_kernel_does_not);
	tcase_add_test(tests, takes_no_name_that_is_longer_than_any);
	tcase_add_test(tests, who_has_left_root_does_not_come_back);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
