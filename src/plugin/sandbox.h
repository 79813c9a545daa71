/* SPDX-License-Identifier: MIT */
/*
 * What no code of a plugin may do, wherever it runs: hosts, probes, and workers that have
 * handlers of their own. Files, sockets, programs and threads it needs no leave for, as a
 * handler may have a use for any of them.
 */
#ifndef TINCAN_PLUGIN_SANDBOX_H
#define TINCAN_PLUGIN_SANDBOX_H

#include "os/seccomp.h"

/* The system calls that fail. ERR_SYSTEM, see seccomp_compile. */
int plugin_sandbox_calls(struct seccomp_filter *filter) MUST_USE;

#endif
