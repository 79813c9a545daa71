/* SPDX-License-Identifier: MIT */
/*
 * What the master knows of plugin contents: each content (name and hash) that was ever
 * live has a number, and its fate decides what is served. A new version is on probation
 * for its first half minute; if it dies there, the one before comes back and it is
 * quarantined until the file changes.
 */
#ifndef TINCAN_MASTER_VERSIONS_H
#define TINCAN_MASTER_VERSIONS_H

#include <stdint.h>

#include "base/list.h"
#include "plugin/plugin.h"

struct master;

#define PROBATION_MS 30000

struct version {
	struct list link;		/* in master.versions, oldest first */
	struct plugin plugin;		/* owned texts; as it was judged */
	struct version *before;		/* of the same name, live before; NULL: none */
	int64_t live_since_ms;
	uint32_t deaths;		/* in probation */
	bool quarantined;
	bool demoted; /* crashed a worker: runs in hosts whatever is configured */
};

/* The version of that name and hash, or NULL. */
struct version *versions_find(const struct master *master, const char *name,
    const char *hash);
struct version *versions_by_number(const struct master *master, uint32_t number);

/* The version of a plugin that is about to go live; new ones get a number. Before: the
 * one of that name that is live now, or NULL. */
struct version *versions_take(struct master *master, const struct plugin *plugin,
    struct version *before);

/* What is gone back to: the newest before it that is not in quarantine, or NULL. */
struct version *version_fallback(const struct version *version);

/* Is it new, with another to go back to? */
bool version_on_probation(const struct master *master, const struct version *version);

/*
 * A death by its own fault. In probation the second, or one before its 100th answer,
 * sends it into quarantine: then true, and a new generation is due.
 */
bool version_died(struct master *master, struct version *version, uint64_t answers);

void versions_release(struct master *master);

#endif
