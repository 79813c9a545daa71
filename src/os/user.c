/* SPDX-License-Identifier: MIT */
/* Users and groups by their names, and becoming one of them. */
#define _GNU_SOURCE 1
#include "os/user.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME_BYTES 64

/* (unsigned)-1 is "no change" to the kernel. */
static bool parse_id(const char *text, unsigned *id)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	*id = (unsigned)number;
	return text[0] >= '0' && text[0] <= '9' && *end == '\0' && number < (unsigned)-1;
}

bool user_find_id(const char *name, bool is_group, unsigned *id)
{
	const struct passwd *user = is_group ? NULL : getpwnam(name);
	const struct group *group = is_group ? getgrnam(name) : NULL;

	if (user != NULL || group != NULL) {
		*id = is_group ? group->gr_gid : user->pw_uid;
		return true;
	}
	return parse_id(name, id);
}

static int say(char *why, const char *format, const char *name)
    __attribute__((format(printf, 2, 0)));

/* Always ERR_MISSING. */
static int say(char *why, const char *format, const char *name)
{
	snprintf(why, USER_WHY_BYTES, format, name);
	return ERR_MISSING;
}

static int find_groups(const char *name, struct user *user, char *why)
{
	int count = USER_GROUPS_MAX;

	if (getgrouplist(name, user->gid, user->groups, &count) < 0) {
		return say(why, "user '%s' is in too many groups", name);
	}
	user->group_count = (size_t)count;
	return 0;
}

/* With its groups, if it has a name. */
static int find_user(const char *name, const char *group, struct user *user, char *why)
{
	const struct passwd *entry = getpwnam(name);
	unsigned id;

	if (entry == NULL && parse_id(name, &id)) {
		entry = getpwuid(id);
		user->uid = id;
	} else if (entry == NULL) {
		return say(why, "there is no user '%s'", name);
	}
	if (entry == NULL && group == NULL) {
		return say(why, "user '%s' has no name, and so no group", name);
	}
	if (entry == NULL) {
		user->groups[0] = user->gid;
		user->group_count = 1;
		return 0;
	}
	user->uid = entry->pw_uid;
	user->gid = group == NULL ? entry->pw_gid : user->gid;
	return find_groups(entry->pw_name, user, why);
}

int user_find(const char *text, struct user *user, char why[USER_WHY_BYTES])
{
	const char *colon = strchr(text, ':');
	const char *group = colon == NULL ? NULL : colon + 1;
	size_t size = colon == NULL ? strlen(text) : (size_t)(colon - text);
	char name[NAME_BYTES];
	unsigned gid;

	memset(user, 0, sizeof(*user));
	if (size >= sizeof(name)) {
		return say(why, "there is no user '%.64s'", text);
	}
	memcpy(name, text, size);
	name[size] = '\0';
	if (group != NULL && !user_find_id(group, true, &gid)) {
		return say(why, "there is no group '%.64s'", group);
	}
	user->gid = group == NULL ? 0 : gid;
	return find_user(name, group, user, why);
}

int user_become(const struct user *user)
{
	if (setgroups(user->group_count, user->groups) != 0 ||
	    setresgid(user->gid, user->gid, user->gid) != 0 ||
	    setresuid(user->uid, user->uid, user->uid) != 0) {
		return ERR_SYSTEM;
	}
	return 0;
}
