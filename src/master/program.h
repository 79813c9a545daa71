/* SPDX-License-Identifier: MIT */
/* The programs that the master starts: opened once, so that a package upgrade under a
 * running server never mixes two versions. */
#ifndef TINCAN_MASTER_PROGRAM_H
#define TINCAN_MASTER_PROGRAM_H

#include "base/error.h"

/*
 * Opens the program of that name: beside this one, else where it was installed. The
 * descriptor is at 10 or above, clear of those that a child gets at fixed numbers.
 *
 * @return the descriptor, for fexecve; or -1 with a problem that says what it is for
 */
int program_open(const char *name, const char *installed, const char *purpose,
    struct problems *problems) MUST_USE;

/* In a child, between fork and exec: closes all but 0 to last and the program. */
void program_close_others(int last, int program_fd);

#endif
