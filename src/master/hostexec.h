/* SPDX-License-Identifier: MIT */
/* Starting tincan-host: the program is opened once, so that a package upgrade under a
 * running server never mixes two versions (the protocol number guards the rest). */
#ifndef TINCAN_MASTER_HOSTEXEC_H
#define TINCAN_MASTER_HOSTEXEC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "plugin/plugin.h"

/* Opens the program: tincan-host beside this one, else where it was installed. ERR_MISSING
 * with a problem. Harmless if it is open. */
int hostexec_open(struct problems *problems) MUST_USE;

struct hostexec {
	pid_t pid;
	int socket_fd;		/* our end; owned by the caller */
	int page_fd;		/* read-only; owned by the caller */
};

/*
 * Starts one for the plugin's copy. cpu: where to pin it, -1 for anywhere; max_memory_bytes:
 * of its address space, 0 for no limit. ERR_SYSTEM with errno.
 */
int hostexec_start(const struct plugin *plugin, bool probe, int cpu,
    uint64_t max_memory_bytes, struct hostexec *started) MUST_USE;

#endif
