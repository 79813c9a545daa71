/* SPDX-License-Identifier: MIT */
/*
 * Probing plugins before they go live: each is loaded into a throw-away host, opened with
 * the real settings of every route that it has, and runs its own checks. A crash or a
 * hang there costs nothing and becomes the plugin's refusal. Several at a time, on a
 * loop, so that a plugin that hangs does not keep the master from its other work.
 */
#ifndef TINCAN_MASTER_PROBE_H
#define TINCAN_MASTER_PROBE_H

#include "base/error.h"
#include "config/config.h"
#include "os/loop.h"
#include "os/user.h"
#include "plugin/plugin.h"

#define PROBE_MS 10000		/* a plugin that takes longer is refused */

struct probes;

/* What is to be probed; all is borrowed until it is done. */
struct probes_task {
	struct config *config;
	struct plugin_set *plugins;
	const struct user *user;	/* as whom; NULL: nobody else */
	struct problems *problems;
	bool strict;
};

/*
 * Probes every plugin of the set that is not refused; done(arg) is called in a later
 * round. A plugin that cannot be loaded, dies or hangs is refused; what its on_open or
 * checks complain of is added to problems (in strict mode, if a route names it) or
 * refuses it. Fills in own_route.
 */
struct probes *probes_start(struct loop *loop, const struct probes_task *task,
    void (*done)(void *arg), void *arg);

/* Kills what still runs and frees everything. NULL is accepted. */
void probes_free(struct probes *probes);

#endif
