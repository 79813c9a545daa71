/* SPDX-License-Identifier: MIT */
/* Where the processor was when a signal came. */
#ifndef TINCAN_OS_FAULT_H
#define TINCAN_OS_FAULT_H

#include <stdint.h>

/* The address of the instruction, from the third argument of a signal handler; 0 where
 * that is not known. Async-signal-safe. */
uintptr_t fault_instruction(const void *context);

#endif
