/* SPDX-License-Identifier: MIT */
/* What the keeper can no longer do, tried in processes that have given it up. */
#define _GNU_SOURCE 1
#include "keeper/sandbox.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "forked.h"
#include "os/seccomp.h"

static const int refused[] = { SYS_execve, SYS_clone, SYS_openat,
	SYS_socket, SYS_connect, SYS_write, SYS_ptrace, SYS_process_vm_readv, SYS_kill,
	SYS_prctl, SYS_setuid, SYS_memfd_create, SYS_accept4, SYS_rt_sigaction };

#define REFUSED (sizeof(refused) / sizeof(refused[0]))

static int make_call(int call)
{
	if (sandbox_calls() != 0) {
		return 1;
	}
	(void)syscall(call, -1, -1, -1, -1, -1, -1);
	return 0;
}

START_TEST(a_call_that_it_does_not_need_ends_it)
{
	if (seccomp_available()) {
		assert_trapped(make_call, refused[_i]);
	}
}
END_TEST

static int look_at_itself(int unused)
{
	struct rlimit core;
	uid_t real, effective, saved;

	(void)unused;
	if (sandbox_memory() != 0 || getresuid(&real, &effective, &saved) != 0 ||
	    getrlimit(RLIMIT_CORE, &core) != 0) {
		return 1;
	}
	return prctl(PR_GET_DUMPABLE) == 0 && core.rlim_max == 0 && real != 0 &&
	    effective != 0 && saved != 0 ? 0 : 2;
}

START_TEST(it_is_not_root_and_nobody_looks_into_it)
{
	assert_done(look_at_itself, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("keeper_sandbox");
	TCase *tests = tcase_create("keeper_sandbox");

	tcase_add_loop_test(tests, a_call_that_it_does_not_need_ends_it, 0, REFUSED);
	tcase_add_test(tests, it_is_not_root_and_nobody_looks_into_it);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
