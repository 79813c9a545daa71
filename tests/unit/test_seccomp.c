/* SPDX-License-Identifier: MIT */
/* What becomes of calls, tried in processes that have given some up. */
#define _GNU_SOURCE 1
#include "os/seccomp.h"

#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "forked.h"

#define OTHERWISE ENOTSUP
/* Beyond all that kernels have. */
#define UNKNOWN_CALL 4000

static const struct seccomp_rule rules[] = {
	{ .calls = " exit_group  getpid no_such_call seccomp dup3 getppid " },
	{ .calls = "getuid getgid", .error = EPERM },
	{ .calls = "dup3", .error = EXDEV,
	    .when = { { 0, SCMP_CMP_MASKED_EQ, UINT32_MAX, 7 } } },
	{ .calls = "dup3", .error = EDOM,
	    .when = { { 0, SCMP_CMP_MASKED_EQ, UINT32_MAX, 8 },
		{ 1, SCMP_CMP_NE, 9, 0 } } },
	{ .calls = NULL },
};

static const struct {
	int call;
	int error;
	uint64_t first;
	uint64_t second;
} calls[] = {
	{ .call = SYS_getpid },
	{ .call = SYS_getppid },
	{ .call = SYS_getuid, .error = EPERM },
	{ .call = SYS_getgid, .error = EPERM },
	{ .call = SYS_geteuid, .error = OTHERWISE },
	{ .call = UNKNOWN_CALL, .error = OTHERWISE },
	/* EINVAL is what the kernel has against one descriptor twice. */
	{ .call = SYS_dup3, .error = EXDEV, .first = 7, .second = 7 },
	{ .call = SYS_dup3, .error = EXDEV, .first = 7 | UINT64_C(1) << 32, .second = 7 },
	{ .call = SYS_dup3, .error = EDOM, .first = 8, .second = 8 },
	{ .call = SYS_dup3, .error = EINVAL, .first = 9, .second = 9 },
	{ .call = SYS_dup3, .error = EBADF, .first = 8, .second = 9 },
};

#define CALLS (sizeof(calls) / sizeof(calls[0]))

static int make_call(int which)
{
	struct seccomp_filter filter;
	long result;

	closefrom(5);
	if (seccomp_compile(rules, OTHERWISE, &filter) != 0 ||
	    seccomp_put_on(&filter) != 0) {
		return 255;
	}
	result = syscall(calls[which].call, calls[which].first, calls[which].second, 0);
	return result >= 0 ? 0 : errno;
}

START_TEST(a_call_does_what_its_rule_says)
{
	int status;

	if (seccomp_available()) {
		status = forked(make_call, _i);
		ck_assert(WIFEXITED(status));
		ck_assert_int_eq(WEXITSTATUS(status), calls[_i].error);
	}
}
END_TEST

static int allow_few(int call)
{
	if (seccomp_allow("exit_group getpid") != 0) {
		return 255;
	}
	return syscall(call) > 0 ? 0 : 1;
}

START_TEST(a_call_that_is_not_allowed_ends_the_process)
{
	assert_done(allow_few, SYS_getpid);
	assert_trapped(allow_few, SYS_getppid);
	assert_trapped(allow_few, UNKNOWN_CALL);
}
END_TEST

static int put_on_none(int unused)
{
	struct seccomp_filter none = { .calls = { NULL, 0 } };

	(void)unused;
	return seccomp_put_on(&none) == 0 && getppid() > 0 ? 0 : 1;
}

START_TEST(no_filter_forbids_nothing)
{
	assert_done(put_on_none, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("seccomp");
	TCase *tests = tcase_create("seccomp");

	tcase_add_loop_test(tests, a_call_does_what_its_rule_says, 0, CALLS);
	tcase_add_test(tests, a_call_that_is_not_allowed_ends_the_process);
	tcase_add_test(tests, no_filter_forbids_nothing);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
