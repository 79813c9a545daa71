/* SPDX-License-Identifier: MIT */
/* What a worker can no longer do, tried in processes that have given it up. */
#define _GNU_SOURCE 1
#include "worker/sandbox.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "forked.h"
#include "ipc/scoreboard.h"
#include "os/landlock.h"
#include "os/seccomp.h"
#include "worker/crash.h"

static const int refused[] = { SYS_execve, SYS_execveat, SYS_clone, SYS_socket,
	SYS_connect, SYS_bind, SYS_listen, SYS_ptrace, SYS_process_vm_readv, SYS_kill,
	SYS_unlinkat, SYS_renameat2, SYS_mkdirat, SYS_memfd_create, SYS_prctl, SYS_setuid,
	SYS_unshare, SYS_mount, SYS_bpf, SYS_io_uring_setup, SYS_userfaultfd, SYS_tkill };

#define REFUSED (sizeof(refused) / sizeof(refused[0]))

static int make_call(int call)
{
	worker_sandbox(false);
	/* Arguments that no call succeeds with. */
	(void)syscall(call, -1, -1, -1, -1, -1, -1);
	return 0;
}

START_TEST(a_call_that_it_does_not_need_ends_it)
{
	assert_trapped(make_call, refused[_i]);
}
END_TEST

static int make_code(int by_mprotect)
{
	int mode = PROT_READ | PROT_EXEC;
	void *page;

	worker_sandbox(false);
	page = mmap(NULL, 4096, by_mprotect ? PROT_READ : mode,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return mprotect(page, 4096, mode);
}

START_TEST(memory_cannot_become_code)
{
	assert_trapped(make_code, 0);
	assert_trapped(make_code, 1);
}
END_TEST

static int open_to(int flags)
{
	int fd;

	worker_sandbox(false);
	fd = open("/dev/null", flags);
	return fd < 0 ? 1 : close(fd);
}

START_TEST(it_opens_no_file)
{
	int status;

	if (seccomp_available()) {
		assert_trapped(open_to, O_RDONLY);
	} else if (landlock_version() > 0) {
		status = forked(open_to, O_WRONLY);
		ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	}
}
END_TEST

static int connect_away(int unused)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr none = { .sa_family = AF_INET };

	(void)unused;
	worker_sandbox(true);
	/* With the code of handlers it may. */
	return connect(fd, &none, sizeof(none)) != 0 ? 0 : 1;
}

START_TEST(with_handlers_it_may_what_any_handler_may)
{
	assert_done(connect_away, 0);
}
END_TEST

static int look_at_itself(int handlers)
{
	struct rlimit core;

	worker_sandbox(handlers);
	/* Asked for behind the filter where that lets it. */
	if (handlers && (prctl(PR_GET_DUMPABLE) != 0 ||
	    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 ||
	    getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_max != 0)) {
		return 1;
	}
	return 0;
}

START_TEST(nobody_looks_into_it_and_it_leaves_no_core)
{
	assert_done(look_at_itself, 0);
	assert_done(look_at_itself, 1);
}
END_TEST

static struct scoreboard_blames *blames;

static int make_watched_call(int call)
{
	crash_watch(blames);
	return make_call(call);
}

START_TEST(the_call_that_has_ended_it_is_known)
{
	blames = blames_new(1);
	if (seccomp_available()) {
		assert_trapped(make_watched_call, SYS_socket);
		ck_assert_int_eq(atomic_load(&blames->refused_call), SYS_socket);
	}
	blames_free(blames, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("worker_sandbox");
	TCase *tests = tcase_create("worker_sandbox");

	tcase_add_loop_test(tests, a_call_that_it_does_not_need_ends_it, 0, REFUSED);
	tcase_add_test(tests, memory_cannot_become_code);
	tcase_add_test(tests, it_opens_no_file);
	tcase_add_test(tests, with_handlers_it_may_what_any_handler_may);
	tcase_add_test(tests, nobody_looks_into_it_and_it_leaves_no_core);
	tcase_add_test(tests, the_call_that_has_ended_it_is_known);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
