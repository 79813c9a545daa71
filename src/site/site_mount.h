/* SPDX-License-Identifier: MIT */
/*
 * A mount: a handler at its place in the configuration, opened with its settings, in this
 * process or in hosts. Where the next generation has the same (see place_key), it has the
 * same mount, and so nothing that is open there notices:
 *
 *	opened --in the newest generation--> stopped (on_stop) --nobody uses it--> closed
 *
 * It is used by the sites that have it, the WebSockets and streams that are open on it,
 * and what of it runs on threads; each holds a reference. Those WebSockets and streams
 * are told to end when it has been stopped for drain_ms.
 * Lifetime: from the first generation that has it to its last use.
 */
#ifndef TINCAN_SITE_SITE_MOUNT_H
#define TINCAN_SITE_SITE_MOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/list.h"
#include "base/settings.h"
#include "base/table.h"
#include "os/loop.h"
#include "plugin/instance.h"
#include "plugin/plugin.h"
#include "remote/pool.h"

struct site_mount;
struct loaded;

/* Those of a process. */
struct site_mounts {
	struct list all;
	struct list loaded;	/* plugins that run in this process */
	const struct plugin_services *services;		/* borrowed; they have a loop */
	/* One has been stopped for drain_ms: what is still open on it is to end. */
	void (*expired)(void *arg, struct site_mount *mount);
	void *arg;
	uint64_t openings;	/* of sites, so far */
	struct table by_key;	/* those from before, while a site is opened */
};

struct site_mount {
	struct list link;		/* in its site_mounts */
	struct site_mounts *mounts;
	uint32_t references;
	uint64_t opening;		/* the newest that has found it */
	char *key;			/* owned */
	struct site_mount *same;	/* as by_key: the next with it */
	char *pattern;			/* owned; of a route: what its requests match */
	int stopped;			/* why; 0: it is not */
	struct timer expiry;
	struct deferred later;		/* its end */
	/* Of a handler in this process: */
	struct loaded *loaded;		/* a reference */
	struct settings settings;	/* a copy, which the instance borrows */
	struct instance *instance;	/* owned; else NULL */
	/* Of one in hosts: */
	struct pool *pool;		/* borrowed; else NULL */
	uint32_t pool_instance;		/* its number there */
};

/* What is to be opened. All borrowed. */
struct site_mount_setup {
	struct plugin *plugin;
	const char *place;
	const char *pattern;	/* for requests; any text where there are none */
	const struct settings *settings;
	const char *directory;	/* of server.json */
	const char *where;	/* the place in it, for messages */
	struct pool *pool;	/* of a plugin in hosts, else NULL */
};

void site_mounts_init(struct site_mounts *mounts,
    const struct plugin_services *services);

/* A site is about to be opened, and has been: what it finds is told apart by this
 * number. */
uint64_t site_mounts_begin(struct site_mounts *mounts);
void site_mounts_end(struct site_mounts *mounts);

/* As plugin_load, but what has been loaded for another mount is not loaded again. */
int site_mounts_load(struct site_mounts *mounts, struct plugin *plugin);

/* A site with these plugins is served: threads and queue of all mounts are theirs. */
void site_mounts_serve(struct site_mounts *mounts, const struct plugin_set *plugins);

/*
 * A reference to the mount that is as the setup says and has not been found in this
 * opening yet, or to a new one. NULL, with a problem, if it cannot be opened.
 */
struct site_mount *site_mount_find(struct site_mounts *mounts,
    const struct site_mount_setup *setup, struct problems *problems);

struct site_mount *site_mount_ref(struct site_mount *mount);
void site_mount_unref(struct site_mount *mount);	/* NULL is accepted */

/* Something of it begins to run on a thread (1), or has come back (-1). */
void site_mount_hold(struct site_mount *mount, int change);

/* The newest generation does without it: on_stop, and drain_ms for what is open. */
void site_mount_retire(struct site_mount *mount, uint32_t drain_ms);

/* The process drains: tells all of them so. */
void site_mounts_stop(struct site_mounts *mounts);

/* The process ends: waits, ms for each plugin, for what runs on threads. What does not
 * come back is logged, and its mount is never closed. */
void site_mounts_leave_threads(struct site_mounts *mounts, int ms);

#endif
