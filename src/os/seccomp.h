/* SPDX-License-Identifier: MIT */
/* A process that gives up all system calls but those that it needs: seccomp(2). */
#ifndef TINCAN_OS_SECCOMP_H
#define TINCAN_OS_SECCOMP_H

#include <stddef.h>

#include "base/error.h"

/*
 * From now on this process makes only these calls (numbers: SCMP_SYS of <seccomp.h>),
 * and mmap and mprotect for memory that is not to be run; any other one ends it with
 * SIGSYS. Nor does it, or what it executes, get any more rights (no_new_privs). In a
 * build with a sanitizer, which has calls of its own, nothing is done. ERR_SYSTEM: the
 * kernel does not have it.
 */
int seccomp_allow(const int *calls, size_t count) MUST_USE;

#endif
