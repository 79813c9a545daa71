/* SPDX-License-Identifier: MIT */
/* Where the processor was when a signal came. */
#include "os/fault.h"

#include <ucontext.h>

uintptr_t fault_instruction(const void *context)
{
	const ucontext_t *state = context;

#if defined(__x86_64__)
	return (uintptr_t)state->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
	return (uintptr_t)state->uc_mcontext.pc;
#else
	(void)state;
	return 0;
#endif
}
