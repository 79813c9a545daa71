/* SPDX-License-Identifier: MIT */
/* What a process gives up by limits, for good; they hold where the kernel has no seccomp,
 * too. */
#ifndef TINCAN_OS_RLIMITS_H
#define TINCAN_OS_RLIMITS_H

/* Nothing of that any more: RLIMIT_CORE, RLIMIT_FSIZE. */
void rlimits_zero(int resource);

/* No further process or thread. The kernel does not hold root to that; a build with a
 * sanitizer, which makes one at its end, goes without. */
void rlimits_alone(void);

#endif
