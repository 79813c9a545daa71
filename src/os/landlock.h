/* SPDX-License-Identifier: MIT */
/*
 * A process that gives up rights to files and ports: landlock(7). Whatever it gives up,
 * it can no longer look into processes but its own children (ptrace, /proc/PID/mem), nor,
 * since Linux 6.12, send others signals. What a kernel does not have is done without.
 * System calls only, as for between fork and exec.
 */
#ifndef TINCAN_OS_LANDLOCK_H
#define TINCAN_OS_LANDLOCK_H

#include "base/error.h"

/* What is given up, but for what is granted. */
enum landlock_right {
	LANDLOCK_DEVICES = 1,	/* to make them */
	LANDLOCK_FILES = 2,	/* to open, make and remove any, devices included */
	LANDLOCK_PORTS = 4	/* of TCP: to bind and to connect (Linux 6.7) */
};

enum landlock_grant { LANDLOCK_READ, LANDLOCK_WRITE };

/* The kernel's version of it; 0: it has none. */
int landlock_version(void);

/* What is to be given up; owned by the caller, until landlock_enter. */
struct landlock {
	int fd;			/* -1: the kernel has none */
	int version;		/* the kernel's */
};

struct landlock landlock_begin(unsigned rights) MUST_USE;

/*
 * The path, and all below it, may be read and run; or read, written, made and removed,
 * and not run. ERR_SYSTEM with errno: there is none such.
 */
int landlock_grant(struct landlock ruleset, const char *path,
    enum landlock_grant grant) MUST_USE;

/* The same for the file of a descriptor. */
int landlock_grant_fd(struct landlock ruleset, int fd,
    enum landlock_grant grant) MUST_USE;

/* Closes the ruleset, and gives up what it says: for good, in what is executed, too. That
 * gets no more rights than there are (no_new_privs). ERR_SYSTEM. */
int landlock_enter(struct landlock ruleset) MUST_USE;

#endif
