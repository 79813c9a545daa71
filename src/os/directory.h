/* SPDX-License-Identifier: MIT */
/*
 * Watches a directory for finished .so files. The kernel tells of changes (inotify); as a
 * file may be written in many steps, nothing is said before the directory has been quiet
 * for a while. Every now and then it is looked through anyway, for file systems whose
 * changes the kernel does not see, and for a directory that was removed and made again.
 * In the master; lifetime: generation.
 */
#ifndef TINCAN_OS_DIRECTORY_H
#define TINCAN_OS_DIRECTORY_H

#include <stddef.h>

#include "base/error.h"
#include "os/loop.h"

#define DIRECTORY_QUIET_MS 300		/* without a change: the files are finished */
#define DIRECTORY_NOISE_MS 5000		/* of changes without a pause: do not wait on */
#define DIRECTORY_RESCAN_MS 10000

struct directory_entry;

/* The files at one moment, by name. */
struct directory_listing {
	struct directory_entry *entries;	/* owned */
	size_t count;
};

/* Embedded. Free what it is in in a deferred function: an event of the round may come. */
struct directory_watch {
	struct loop *loop;
	char *path;			/* owned */
	void (*changed)(void *arg);
	void *arg;
	struct watch inotify;		/* its fd is -1 if the kernel gave none */
	int descriptor;			/* of inotify for path; -1: not watched */
	struct timer step;		/* set: something has changed, see directory.c */
	struct timer rescan;
	bool listed;			/* latest was taken since the last event */
	int64_t noisy_since_ms;
	struct directory_listing latest;
	struct directory_listing told;	/* as it was when changed was called */
};

/*
 * Calls changed(arg) each time when files of the directory whose names end in ".so" and
 * do not begin with "." have come, gone or changed, once they have settled. The directory
 * may be missing, now or later. Call this first, then look at what is there now.
 *
 * @return 0, or ERR_SYSTEM with errno if the kernel gives no inotify: then changes are
 *	seen at the next rescan only; release it in any case
 */
int directory_watch_init(struct directory_watch *watch, struct loop *loop,
    const char *path, void (*changed)(void *arg), void *arg) MUST_USE;

/* May be called in changed, and for a watch that is all zero. */
void directory_watch_release(struct directory_watch *watch);

#endif
