/* SPDX-License-Identifier: MIT */
/*
 * A process that gives up system calls: seccomp(2). Either all but those that it needs,
 * or some that it has no need of. Calls by the processor's other ways in, as those of 32
 * bits, end it. No child, and nothing that it executes, gets them back, nor any other
 * right (no_new_privs). A build with a sanitizer, which has calls of its own, has none.
 */
#ifndef TINCAN_OS_SECCOMP_H
#define TINCAN_OS_SECCOMP_H

#include <stdbool.h>
#include <stddef.h>

#include <seccomp.h>

#include "base/error.h"

/* Do this build and the kernel have it? */
bool seccomp_available(void);

/*
 * From now on this process makes only these calls (numbers: SCMP_SYS), and mmap and
 * mprotect for memory that is not to be run; any other one ends it with SIGSYS.
 * ERR_SYSTEM: the kernel does not have it.
 */
int seccomp_allow(const int *calls, size_t count) MUST_USE;

/* A call that fails. */
struct seccomp_denial {
	int call;
	int error;		/* with that errno */
	struct scmp_arg_cmp when;	/* only if op is not 0: with such an argument */
};

struct sock_filter;

/* Denials, made ready to be put on later, and by many. All zero: none. */
struct seccomp_filter {
	struct sock_filter *code;	/* owned */
	size_t count;
};

/* ERR_SYSTEM with an empty filter: out of memory, or of descriptors. */
int seccomp_compile(const struct seccomp_denial *denials, size_t count,
    struct seccomp_filter *filter) MUST_USE;

/* From now on those calls fail in this process. System calls only, as for between fork
 * and exec. ERR_SYSTEM: the kernel does not have it. */
int seccomp_put_on(const struct seccomp_filter *filter) MUST_USE;

void seccomp_filter_release(struct seccomp_filter *filter);

#endif
