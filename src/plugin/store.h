/* SPDX-License-Identifier: MIT */
/*
 * The private copies of plugin files, one folder, each file named by its content's hash.
 * A copy that is there is never written again: code may be mapped from it.
 */
#ifndef TINCAN_PLUGIN_STORE_H
#define TINCAN_PLUGIN_STORE_H

#include <stddef.h>

#include "base/error.h"

struct store {
	char *path;		/* owned; "run/plugins" */
	int directory;		/* owned; -1: not open */
};

/* Makes state_directory and "plugins" in it where they are missing. ERR_SYSTEM or, for
 * one that others may write, ERR_INVALID; both with a problem. */
int store_open(struct store *store, const char *state_directory,
    struct problems *problems) MUST_USE;

/* A store that was not opened, or is all zero but for directory -1, is accepted. */
void store_close(struct store *store);

/*
 * Sees to it that "<stem>-<hash>.so" holds exactly these bytes, and removes all but the
 * newest three copies of that stem.
 *
 * @return 0 and *copy, its path, owned by the caller; ERR_SYSTEM with a problem.
 */
int store_put(const struct store *store, const char *stem, const char *hash,
    const void *data, size_t size, char **copy, struct problems *problems) MUST_USE;

#endif
