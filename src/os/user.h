/* SPDX-License-Identifier: MIT */
/* Users and groups by their names, and becoming one of them. Lifetime: boot. */
#ifndef TINCAN_OS_USER_H
#define TINCAN_OS_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

#define USER_GROUPS_MAX 64
#define USER_WHY_BYTES 128

struct user {
	uid_t uid;
	gid_t gid;
	gid_t groups[USER_GROUPS_MAX];	/* all that it is a member of */
	size_t group_count;
};

/*
 * Finds "USER" or "USER:GROUP", names or numbers. A user that has no name needs its
 * group said. The system's database is asked, which may read files and load libraries.
 *
 * @return 0, or ERR_MISSING with the reason in why
 */
int user_find(const char *text, struct user *user, char why[USER_WHY_BYTES]) MUST_USE;

/* The number of a user, or of a group; false if there is none of that name. */
bool user_find_id(const char *name, bool is_group, unsigned *id);

/* This process, which must be root's, is that user's for good. System calls only, as for
 * between fork and exec. ERR_SYSTEM with errno: it may be half of it, and must end. */
int user_become(const struct user *user) MUST_USE;

#endif
