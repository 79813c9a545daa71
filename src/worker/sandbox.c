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

static const char worker_calls[] =
	/* Connections, hosts, the master, the keeper: all come as descriptors. */
	"accept4 close epoll_ctl epoll_pwait epoll_wait fcntl getpeername getsockname "
	"getsockopt ioctl poll read recvfrom recvmsg sendmsg sendto setsockopt "
	"shutdown write writev "
	/* Files that a handler or the master has opened. */
	"fstat lseek newfstatat pread64 "
	/* Memory (qsort asks how much there is), time, chance. */
	"brk clock_gettime futex getrandom gettimeofday madvise mremap munmap sysinfo "
	/* Its end. */
	"exit exit_group getpid gettid restart_syscall rt_sigaction rt_sigprocmask "
	"rt_sigreturn tgkill";

static int allow_plugins(void)
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
	rc = handlers ? allow_plugins() : seccomp_allow(worker_calls);
	if (rc != 0) {
		log_say(LOG_WARN, "the kernel does not have seccomp: the worker may make "
		    "any system call");
	}
}
