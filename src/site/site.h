/* SPDX-License-Identifier: MIT */
/*
 * A site: what is served in one generation. The configuration's routes and raw streams,
 * the plugins behind them, opened with their settings, and a router for each of its
 * virtual hosts. Built by
 * every process that runs handlers (a worker, the preflight, `tincan check`), then
 * immutable. Lifetime: generation.
 */
#ifndef TINCAN_SITE_SITE_H
#define TINCAN_SITE_SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/hostname.h"
#include "config/config.h"
#include "plugin/plugin.h"
#include "remote/pool.h"
#include "route/router.h"
#include "site/site_mount.h"

/* What a plugin must be able to, to be in a route. */
#define SITE_ANSWERS (PLUGIN_REQUESTS | PLUGIN_CONNECTS)
#define SITE_ANSWERS_NOTHING \
	"handler '%s' answers nothing (it has no on_request): it is for 'filters'"
#define SITE_FILTERS_NOTHING \
	"handler '%s' is no filter (it has no on_filter, on_reply or on_piece)"
/* What a filter's instance has for a pattern: nothing that a path could match. */
#define SITE_FILTER_PATTERN "filter"

enum site_kind {
	SITE_HANDLER,		/* instance answers */
	SITE_REDIRECT,		/* to config->redirect */
	SITE_UNAVAILABLE	/* its plugin was refused: 503 */
};

struct site_route;

/*
 * Whom a request meets: filters, in that order, and who is behind them. It is used by its
 * site, as long as that is not retired, and by the requests on their way, and as long as
 * it is used holds the mounts of all of them.
 */
struct site_chain {
	struct site_route **items;	/* owned; each borrowed from site.filters */
	size_t count;
	const struct site_route *route;	/* borrowed; NULL: the server itself */
	uint32_t uses;
};

/* What a route leads to: the value of a router_match. A filter is one, too, without
 * config: SITE_HANDLER or SITE_UNAVAILABLE. */
struct site_route {
	enum site_kind kind;
	/* Borrowed; NULL: a stream, or a plugin at its own route. */
	struct config_route *config;
	struct plugin *plugin;		/* borrowed; NULL for a redirect */
	struct site_mount *mount; /* of SITE_HANDLER, else NULL; held by its chain */
	uint32_t timeout_ms;		/* of a handler */
	uint32_t max_message_bytes;	/* likewise */
	uint64_t max_body_bytes;	/* likewise */
	uint32_t count_as;		/* the worker's: index on its scoreboard */
	struct site_chain chain;	/* of a route */
};

/* A name of a virtual host. */
struct site_name {
	const char *name;		/* borrowed from the config */
	size_t vhost;			/* index: whose it is */
};

struct site {
	struct config *config;		/* borrowed */
	struct plugin_set *plugins;	/* borrowed */
	struct router **routers;	/* owned; in the order of config->vhosts */
	struct site_name *names;	/* owned */
	size_t name_count;
	struct hostnames by_name;	/* to those */
	struct site_route *routes;	/* owned */
	size_t route_count;
	struct site_route *streams;	/* owned; in the order of config_stream_at */
	size_t stream_count;
	struct site_route *filters;	/* owned; in the order of config_filter_at */
	size_t filter_count;
	struct site_chain *chains;	/* owned; of what has no route, as routers */
	uint64_t opening;		/* the number that its mounts have */
	bool left;			/* by it; requests may still use them */
};

/* What a site needs of the process that it is built in. All borrowed. */
struct site_process {
	/* NULL: nothing is opened here, only looked at; nobody calls a handler. */
	struct site_mounts *mounts;
	/* The pool of an isolated plugin, run as that configuration says. */
	struct pool *(*pool)(void *arg, const struct plugin *plugin,
	    const struct config *config);
	void *arg;
};

/*
 * Loads the plugins that run in this process and are not refused, finds or opens a mount
 * for each route, stream and filter, here or in a host, and builds the routers. A plugin
 * that turns out bad is refused (see its refusal) and its routes are SITE_UNAVAILABLE;
 * what is wrong with the configuration becomes a problem. To be released in any case.
 */
void site_open(struct site *site, struct config *config, struct plugin_set *plugins,
    const struct site_process *process, struct problems *problems);

/* By which name a host (from hostname_normal) is served; NULL: by none, which is the
 * default host's, routers[0]. */
const struct site_name *site_find_name(const struct site *site, struct slice host);

/* Who has the raw streams of the config's listener of that index; NULL: it speaks
 * HTTPS. */
struct site_route *site_stream_of_listener(const struct site *site, size_t listener);

/* Who has those of the protocol of that ALPN name, or NULL. */
struct site_route *site_stream_of_alpn(const struct site *site, const char *name);

/* The newer site serves from now on: retires the mounts that only this one has, and
 * leaves all of them to the requests that are on their way. */
void site_retire(struct site *site, const struct site *newer);

/* A request has begun to use the chain, or does so no more. */
void site_chain_use(struct site_chain *chain);
void site_chain_leave(struct site_chain *chain);

/* Leaves its mounts; all else of it is as it was. */
void site_leave(struct site *site);

void site_release(struct site *site);

#endif
