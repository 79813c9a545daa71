/* SPDX-License-Identifier: MIT */
/* The remotes of a worker: a pool for each version of an isolated plugin that a
 * generation of this worker still uses. */
#ifndef TINCAN_WORKER_REMOTES_H
#define TINCAN_WORKER_REMOTES_H

#include "ipc/channel.h"
#include "plugin/plugin.h"
#include "remote/pool.h"

struct config;
struct worker;

/* The pool of that plugin; if need be a new one, run as the configuration says. */
struct pool *remotes_get(struct worker *worker, const struct plugin *plugin,
    const struct config *config);

/* PROCESSES, HOST, DIED and BREAK from the master. */
void remotes_resize(struct worker *worker, const struct channel_message *message);
void remotes_attach(struct worker *worker, struct channel_message *message);
void remotes_died(struct worker *worker, const struct channel_message *message);
void remotes_break(struct worker *worker, const struct channel_message *message);

/* The master is dead, and takes its hosts along. */
void remotes_orphan(struct worker *worker);

/* A generation with these plugins is served: their pools are run as its configuration
 * says, and pools that were made for others go. */
void remotes_serve(struct worker *worker, const struct plugin_set *plugins,
    const struct config *config);

/* The worker ends, and uses them no more: hears what hosts say last, and waits a moment
 * for their end. */
void remotes_finish(struct worker *worker);

void remotes_release(struct worker *worker);

#endif
