/* SPDX-License-Identifier: MIT */
/*
 * What code of a plugin may call, wherever it runs: hosts, probes, and workers that have
 * handlers of their own. Files, sockets, programs and threads are on the list, as a
 * handler may have a use for any of them.
 */
#ifndef TINCAN_PLUGIN_SANDBOX_H
#define TINCAN_PLUGIN_SANDBOX_H

#include "os/seccomp.h"

/* The list; behind the last there is one without calls. */
extern const struct seccomp_rule plugin_sandbox_rules[];

/* Made ready to be put on. ERR_SYSTEM, see seccomp_compile. */
int plugin_sandbox_calls(struct seccomp_filter *filter) MUST_USE;

#endif
