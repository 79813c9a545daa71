/* SPDX-License-Identifier: MIT */
/* What keeps a worker to its work. */
#include "worker/sandbox.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/log.h"
#include "os/landlock.h"
#include "os/rlimits.h"
#include "plugin/sandbox.h"
#include "tls/libcrypto.h"

static const int worker_calls[] = {
	/* Connections, hosts, the master, the keeper: all come as descriptors. */
	SCMP_SYS(accept4), SCMP_SYS(close), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_wait), SCMP_SYS(fcntl), SCMP_SYS(getpeername),
	SCMP_SYS(getsockname), SCMP_SYS(getsockopt), SCMP_SYS(ioctl), SCMP_SYS(poll),
	SCMP_SYS(read), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(sendmsg),
	SCMP_SYS(sendto), SCMP_SYS(setsockopt), SCMP_SYS(shutdown), SCMP_SYS(write),
	SCMP_SYS(writev),
	/* Files that a handler or the master has opened. */
	SCMP_SYS(fstat), SCMP_SYS(lseek), SCMP_SYS(newfstatat), SCMP_SYS(pread64),
	/* Memory (qsort asks how much there is), time, chance. */
	SCMP_SYS(brk), SCMP_SYS(clock_gettime), SCMP_SYS(futex), SCMP_SYS(getrandom),
	SCMP_SYS(gettimeofday), SCMP_SYS(madvise), SCMP_SYS(mremap), SCMP_SYS(munmap),
	SCMP_SYS(sysinfo),
	/* Its end. */
	SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(getpid), SCMP_SYS(gettid),
	SCMP_SYS(restart_syscall), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(tgkill),
};

static int deny_calls(void)
{
	struct seccomp_filter filter;
	int rc = plugin_sandbox_calls(&filter);

	rc = rc != 0 ? rc : seccomp_put_on(&filter);
	seccomp_filter_release(&filter);
	return rc;
}

static void give_up_files(bool handlers)
{
	struct landlock ruleset = landlock_begin(handlers ? LANDLOCK_DEVICES :
	    LANDLOCK_FILES | LANDLOCK_PORTS);

	if (ruleset.fd < 0) {
		log_say(LOG_DEBUG, "the kernel does not have landlock");
		return;
	}
	/* Without filters this is a build with a sanitizer, which reads at its end what
	 * it has to report on. */
	if (!handlers && !seccomp_available()) {
		(void)!landlock_grant(ruleset, "/", LANDLOCK_READ);
	}
	if (landlock_enter(ruleset) != 0) {
		log_say(LOG_WARN, "the kernel refuses landlock: %s", strerror(errno));
	}
}

void worker_sandbox(bool handlers)
{
	int rc;

	rlimits_zero(RLIMIT_CORE);
	if (!handlers) {
		rlimits_alone();
	}
	(void)prctl(PR_SET_DUMPABLE, 0);
	libcrypto_wake();
	give_up_files(handlers);
	rc = handlers ? deny_calls() : seccomp_allow(worker_calls,
	    sizeof(worker_calls) / sizeof(worker_calls[0]));
	if (rc != 0) {
		log_say(LOG_WARN, "the kernel does not have seccomp: the worker may make "
		    "any system call");
	}
}
