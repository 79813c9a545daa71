/* SPDX-License-Identifier: MIT */
/*
 * The files of the keys that the keeper has, open, but never read: what is renamed or
 * removed is still there for the next keeper, what is written over in place is not. By
 * the names of the keys. Master. Lifetime: that of the keepers.
 */
#ifndef TINCAN_MASTER_KEY_FILES_H
#define TINCAN_MASTER_KEY_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/table.h"
#include "config/config.h"

struct key_files {
	struct table by_name;
	size_t count;		/* of descriptors */
	size_t max;		/* half of what may be open: others are not kept */
};

void key_files_init(struct key_files *files);
void key_files_release(struct key_files *files);

/* The file of that key (CONFIG_KEY_NAME_BYTES), borrowed; -1. */
int key_files_find(const struct key_files *files, const unsigned char *name);

/* Takes the one that the keeper is being given; it becomes the key's when the keeper has
 * taken it. */
void key_files_offer(struct key_files *files, const unsigned char *name, int fd);

/* The keeper has found another key in it, or none. */
void key_files_refuse(struct key_files *files, const unsigned char *name);

/* The keeper has taken what it was offered, or nothing of it. */
void key_files_settle(struct key_files *files, bool taken);

/* Closes those of keys that config does not show. */
void key_files_forget(struct key_files *files, const struct config *config);

/* Is what has that path now another file than the open one, or none? */
bool key_files_moved(int fd, const char *path);

#endif
