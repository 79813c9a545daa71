/* SPDX-License-Identifier: MIT */
/* What the keeper can no longer do, tried in processes that have given it up. */
#define _GNU_SOURCE 1
#include "keeper/sandbox.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "forked.h"
#include "os/sanitized.h"

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
	assert_trapped(make_call, refused[_i]);
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

static int fork_here(int unused)
{
	pid_t pid;

	(void)unused;
	if (sandbox_memory() != 0) {
		return 1;
	}
	pid = fork();
	if (pid == 0) {
		_exit(0);
	}
	return pid < 0 && errno == EAGAIN ? 0 : 2;
}

static int write_here(int unused)
{
	int fd = memfd_create("file", 0);

	(void)unused;
	signal(SIGXFSZ, SIG_IGN);
	if (write(fd, "a", 1) != 1 || sandbox_memory() != 0) {
		return 1;
	}
	return write(fd, "b", 1) < 0 && errno == EFBIG ? 0 : 2;
}

/* Should the kernel have no seccomp. */
START_TEST(it_starts_nothing_and_no_file_grows)
{
	if (!SANITIZED) {
		assert_done(fork_here, 0);
	}
	assert_done(write_here, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("keeper_sandbox");
	TCase *tests = tcase_create("keeper_sandbox");

	tcase_add_loop_test(tests, a_call_that_it_does_not_need_ends_it, 0, REFUSED);
	tcase_add_test(tests, it_is_not_root_and_nobody_looks_into_it);
	tcase_add_test(tests, it_starts_nothing_and_no_file_grows);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
