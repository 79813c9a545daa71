/* SPDX-License-Identifier: MIT */
/* A process that gives up all system calls but those that it needs. */
#include "os/seccomp.h"

#include <stdbool.h>
#include <sys/mman.h>

#include <seccomp.h>

#if defined(__has_feature)
#define HAS_FEATURE(feature) __has_feature(feature)
#else
#define HAS_FEATURE(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    HAS_FEATURE(address_sanitizer) || HAS_FEATURE(thread_sanitizer)
#define SANITIZED true
#else
#define SANITIZED false
#endif

static bool allow_memory(scmp_filter_ctx filter, int call)
{
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1,
	    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) == 0;
}

static bool fill(scmp_filter_ctx filter, const int *calls, size_t count)
{
	bool done = allow_memory(filter, SCMP_SYS(mmap)) &&
	    allow_memory(filter, SCMP_SYS(mprotect));

	for (size_t i = 0; done && i < count; i++) {
		done = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0) == 0;
	}
	return done;
}

int seccomp_allow(const int *calls, size_t count)
{
	scmp_filter_ctx filter;
	bool done;

	if (SANITIZED) {
		return 0;
	}
	filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	done = filter != NULL && fill(filter, calls, count) && seccomp_load(filter) == 0;
	seccomp_release(filter);
	return done ? 0 : ERR_SYSTEM;
}
