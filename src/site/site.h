/* SPDX-License-Identifier: MIT */
/*
 * A site: what is served in one generation. The configuration's routes, the plugins
 * behind them, opened with their settings, and the router over all. Built by every
 * process that runs handlers (a worker, the preflight, `tincan check`), then immutable.
 * Lifetime: generation.
 */
#ifndef TINCAN_SITE_SITE_H
#define TINCAN_SITE_SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "config/config.h"
#include "plugin/instance.h"
#include "plugin/plugin.h"
#include "remote/remote.h"
#include "route/router.h"

enum site_kind {
	SITE_HANDLER,		/* instance answers */
	SITE_REDIRECT,		/* to config->redirect */
	SITE_UNAVAILABLE	/* its plugin was refused: 503 */
};

/* What a route leads to: the value of a router_match. */
struct site_route {
	enum site_kind kind;
	struct config_route *config;	/* borrowed; NULL: a plugin at its own route */
	struct plugin *plugin;		/* borrowed; NULL for a redirect */
	struct instance *instance; /* owned; of a handler in this process, else NULL */
	struct remote *remote;		/* borrowed; of a handler in a host, else NULL */
	uint32_t remote_instance;	/* its number there */
	uint32_t timeout_ms;		/* of a handler */
	uint32_t count_as;		/* the worker's: index on its scoreboard */
};

struct site {
	struct config *config;		/* borrowed */
	struct plugin_set *plugins;	/* borrowed */
	struct router *router;		/* owned */
	struct site_route *routes;	/* owned */
	size_t route_count;
	struct settings no_settings;	/* of plugins at their own route */
};

/* What a site needs of the process that it is built in. All borrowed. */
struct site_process {
	const struct plugin_services *services;
	/* The remote of an isolated plugin; NULL: there are none here. */
	struct remote *(*remote)(void *arg, const struct plugin *plugin);
	void *arg;
};

/*
 * Loads the plugins that run in this process and are not refused, opens an instance for
 * each route, here or in a host, and builds the router. A plugin that turns out bad is
 * refused (see its refusal) and its routes are SITE_UNAVAILABLE; what is wrong with the
 * configuration becomes a problem. To be released in any case.
 */
void site_open(struct site *site, struct config *config, struct plugin_set *plugins,
    const struct site_process *process, struct problems *problems);

/* Another site takes its place, or the process ends: tells every instance, which then
 * finishes what it has. */
void site_stop(struct site *site);

/* Closes every instance. */
void site_release(struct site *site);

#endif
