/* SPDX-License-Identifier: MIT */
/*
 * A process that gives up system calls: seccomp(2). What it may call is on a list; any
 * other call ends it, or fails. Calls by the processor's other ways in, as those of 32
 * bits, end it. No child, and nothing that it executes, gets them back, nor any other
 * right (no_new_privs). A build with a sanitizer, which has calls of its own, has none.
 *
 * Calls are told by their names, with blanks between. A name that libseccomp does not
 * know, or the architecture does not have, is passed over.
 */
#ifndef TINCAN_OS_SECCOMP_H
#define TINCAN_OS_SECCOMP_H

#include <stdbool.h>
#include <stddef.h>

#include <seccomp.h>

#include "base/error.h"

#define SECCOMP_CONDITIONS 2

/* Do this build and the kernel have it? */
bool seccomp_available(void);

/*
 * From now on this process makes only these calls, and mmap and mprotect for memory that
 * is not to be run; any other one ends it with SIGSYS. ERR_SYSTEM: the kernel does not
 * have it.
 */
int seccomp_allow(const char *calls) MUST_USE;

/* What becomes of calls. One that is allowed can be refused with some of its arguments by
 * further rules, of which each is enough; otherwise a call is in one rule. */
struct seccomp_rule {
	const char *calls;
	int error;		/* they fail with that errno; 0: they are allowed */
	/* Only with all these arguments; op 0: no condition. For rules that refuse, and
	 * not for calls that are part of another, as of socketcall on s390x. */
	struct scmp_arg_cmp when[SECCOMP_CONDITIONS];
};

struct sock_filter;

/* As the kernel takes it. All zero: none. */
struct seccomp_program {
	struct sock_filter *code;	/* owned */
	size_t count;
};

/* Rules, made ready to be put on later, and by many. All zero: none. Of two programs the
 * kernel goes by what is stricter, so neither knows of the other. */
struct seccomp_filter {
	struct seccomp_program calls;
	struct seccomp_program arguments;	/* of those that are allowed */
};

/*
 * @param rules	the last has no calls
 * @param otherwise	the errno of what no rule names, and of no rule
 * @return ERR_SYSTEM with an empty filter: out of memory, or of descriptors
 */
int seccomp_compile(const struct seccomp_rule *rules, int otherwise,
    struct seccomp_filter *filter) MUST_USE;

/* From now on the rules hold in this process. System calls only, as for between fork and
 * exec. ERR_SYSTEM: the kernel does not have it. */
int seccomp_put_on(const struct seccomp_filter *filter) MUST_USE;

void seccomp_filter_release(struct seccomp_filter *filter);

#endif
