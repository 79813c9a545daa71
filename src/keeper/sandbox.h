/* SPDX-License-Identifier: MIT */
/* What keeps the keys in the keeper, should there be a hole in it after all. */
#ifndef TINCAN_KEEPER_SANDBOX_H
#define TINCAN_KEEPER_SANDBOX_H

#include "base/error.h"

/*
 * Memory that is neither swapped nor dumped, no core file, nobody who may look in from
 * outside (ptrace, /proc/PID/mem); as root: another user. To be called first. What the
 * kernel does not give is done without. ERR_SYSTEM if root cannot be left, as in a
 * container that does not let it.
 */
int sandbox_memory(void) MUST_USE;

/*
 * From now on only the system calls that the keeper needs; another one ends it.
 * ERR_SYSTEM where the kernel does not have that.
 */
int sandbox_calls(void) MUST_USE;

#endif
