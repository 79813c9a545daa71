/* SPDX-License-Identifier: MIT */
/* What keeps the keys in the keeper. */
#include "keeper/sandbox.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "os/rlimits.h"
#include "os/seccomp.h"
#include "os/user.h"
#include "tls/libcrypto.h"

/* Of the heap where libcrypto puts what is private of a key. */
#define SECRET_BYTES (4 << 20)
#define SECRET_LEAST 32
/* The user "nobody" of every Linux; nothing but the keeper's own memory is needed. */
#define NOBODY 65534

static int leave_root(void)
{
	static const struct user nobody = { .uid = NOBODY, .gid = NOBODY };

	return geteuid() == 0 ? user_become(&nobody) : 0;
}

int sandbox_memory(void)
{
	static const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	int rc;

	/* All memory, if we may: who may lock a few MiB only would then get no more
	 * than that. */
	if (setrlimit(RLIMIT_MEMLOCK, &all) == 0) {
		(void)mlockall(MCL_CURRENT | MCL_FUTURE);
	}
	(void)CRYPTO_secure_malloc_init(SECRET_BYTES, SECRET_LEAST);
	rc = leave_root();
	rlimits_zero(RLIMIT_CORE);
	rlimits_zero(RLIMIT_FSIZE);
	rlimits_alone();
	prctl(PR_SET_DUMPABLE, 0);
	/* A change of user takes it back. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	return rc;
}

int sandbox_calls(void)
{
	static const char calls[] =
		"brk clock_gettime close epoll_ctl epoll_pwait epoll_wait exit "
		"exit_group fcntl fstat futex getpid getrandom gettimeofday lseek "
		"madvise mlock mremap munlock munmap newfstatat poll read recvfrom "
		"recvmsg restart_syscall rt_sigprocmask rt_sigreturn sendmsg sendto";

	libcrypto_wake();
	return seccomp_allow(calls);
}
