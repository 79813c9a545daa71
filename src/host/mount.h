/* SPDX-License-Identifier: MIT */
/*
 * The instances of a host, each under the number that its peer gave it. One that is shut
 * lives on until the last call that uses it is over.
 */
#ifndef TINCAN_HOST_MOUNT_H
#define TINCAN_HOST_MOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/settings.h"
#include "ipc/frame.h"
#include "plugin/instance.h"

struct host;

struct mount {
	uint32_t id;
	struct instance *instance;	/* owned */
	struct settings settings;	/* the instance borrows them */
	char *pattern;			/* owned; of the route */
	size_t users;	/* calls that are not over, and what runs on threads */
	bool shut;
};

/* OPEN, RETIRE and SHUT. */
int mount_open(struct host *host, const struct frame *frame) MUST_USE;
int mount_retire(struct host *host, const struct frame *frame) MUST_USE;
int mount_shut(struct host *host, const struct frame *frame) MUST_USE;

/* The one of that number, to be given back with mount_give; NULL if there is none. */
struct mount *mount_take(struct host *host, uint32_t id);
void mount_give(struct mount *mount);

/* Closes all of them, at the end. */
void mount_close_all(struct host *host);

#endif
