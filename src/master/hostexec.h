/* SPDX-License-Identifier: MIT */
/* Starting tincan-host: the program is opened once, so that a package upgrade under a
 * running server never mixes two versions (the protocol number guards the rest). */
#ifndef TINCAN_MASTER_HOSTEXEC_H
#define TINCAN_MASTER_HOSTEXEC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "config/config.h"
#include "os/user.h"
#include "plugin/plugin.h"

/* Opens the program: tincan-host beside this one, else where it was installed.
 * ERR_MISSING with a problem. Harmless if it is open. */
int hostexec_open(struct problems *problems) MUST_USE;

struct hostexec {
	pid_t pid;
	int socket_fd;		/* our end; owned by the caller */
	int page_fd;		/* read-only; owned by the caller */
};

/* How to start one. */
struct hostexec_how {
	bool probe;
	int cpu;			/* where to pin it; -1: anywhere */
	int board_fd;			/* the scoreboard, to read; a probe has none */
	int memory_fd;			/* that its handler shares; -1: none */
	uint64_t max_memory_bytes;	/* of its address space; 0: no limit */
	/* The only files that it may open; NULL: whatever its user may. */
	const struct config_paths *paths;
	const struct user *user;	/* whom it becomes; NULL: nobody else */
};

/* Starts one for the plugin's copy. ERR_SYSTEM with errno. */
int hostexec_start(const struct plugin *plugin, const struct hostexec_how *how,
    struct hostexec *started) MUST_USE;

/* Changes the limit of one that runs; 0: none. Only root can raise it. ERR_SYSTEM. */
int hostexec_limit(pid_t pid, uint64_t max_memory_bytes) MUST_USE;

#endif
