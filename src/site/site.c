/* SPDX-License-Identifier: MIT */
/* What is served in one generation. */
#include "site/site.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "site/place.h"

struct build {
	struct site *site;
	const struct site_process *process;
	struct problems *problems;
};

static void set_threads(const struct config *config, struct plugin *plugin)
{
	const struct config_handler *handler = config_find_handler(config,
	    plugin->note.name);

	plugin->threads = handler == NULL ? CONFIG_HANDLER_THREADS : handler->threads;
	plugin->max_queue = handler == NULL ? CONFIG_HANDLER_QUEUE : handler->max_queue;
}

static void load_plugins(const struct build *build)
{
	struct plugin_set *plugins = build->site->plugins;

	for (size_t i = 0; i < plugins->count; i++) {
		struct plugin *plugin = &plugins->items[i];

		if (plugin->refusal == NULL && !plugin->isolated &&
		    plugin->handler == NULL) {
			set_threads(build->site->config, plugin);
			(void)!site_mounts_load(build->process->mounts, plugin);
		}
	}
}

static void set_limits(const struct config *config, struct site_route *route)
{
	const struct config_handler *handler = config_find_handler(config,
	    route->plugin->note.name);

	route->timeout_ms = handler == NULL ? CONFIG_HANDLER_TIMEOUT_MS :
	    handler->timeout_ms;
	route->max_message_bytes = handler == NULL ? CONFIG_MESSAGE_MAX_BYTES :
	    handler->max_message_bytes;
	route->max_body_bytes = handler == NULL ||
	    handler->max_body_bytes == CONFIG_BODY_LIMITS ?
	    config->limits.max_body_bytes : handler->max_body_bytes;
}

/* Takes the place. */
static void mount(const struct build *build, struct site_route *route, char *place,
    const char *pattern, const struct settings *settings, const char *where)
{
	const struct site_process *process = build->process;
	const struct config *config = build->site->config;
	struct site_mount_setup setup = { .plugin = route->plugin, .place = place,
		.pattern = pattern, .settings = settings,
		.directory = config->directory, .where = where };

	route->kind = SITE_UNAVAILABLE;
	if (route->plugin->refusal == NULL) {
		set_limits(config, route);
		route->kind = SITE_HANDLER;
	}
	if (route->kind == SITE_HANDLER && process->mounts != NULL) {
		if (route->plugin->isolated) {
			setup.pool = process->pool(process->arg, route->plugin, config);
		}
		route->mount = site_mount_find(process->mounts, &setup, build->problems);
		route->kind = route->mount == NULL ? SITE_UNAVAILABLE : SITE_HANDLER;
	}
	free(place);
}

static struct plugin *need_plugin(const struct build *build, const char *name,
    const char *where)
{
	return plugin_need(build->site->plugins, name, where,
	    build->site->config->plugin_directory, build->problems);
}

/* Its place is kept also where nobody has it, as for streams. */
static void add_filter(const struct build *build, const struct config_filter *config)
{
	struct site *site = build->site;
	size_t index = site->filter_count++;
	struct site_route *filter = &site->filters[index];

	filter->kind = SITE_UNAVAILABLE;
	filter->plugin = need_plugin(build, config->handler, config->where);
	if (filter->plugin == NULL) {
		return;
	}
	/* Of one that nobody has loaded it is not known. */
	if (filter->plugin->can != 0 && (filter->plugin->can & PLUGIN_FILTERS) == 0) {
		problems_add(build->problems, config->where, NULL,
		    SITE_FILTERS_NOTHING, config->handler);
		return;
	}
	mount(build, filter, place_filter(site->config, index), SITE_FILTER_PATTERN,
	    &config->settings, config->where);
}

static void append_filters(struct site *site, struct site_chain *chain, size_t first,
    size_t count)
{
	if (count == 0) {
		return;
	}
	chain->items = memory_grow(chain->items, chain->count + count,
	    sizeof(*chain->items));
	for (size_t i = first; i < first + count; i++) {
		struct site_route *filter = &site->filters[i];

		if (filter->mount != NULL) {
			site_mount_ref(filter->mount);
		}
		chain->items[chain->count++] = filter;
	}
}

/* With those of the server and of the vhost; route: who is behind them. */
static void begin_chain(struct site *site, struct site_chain *chain,
    const struct site_route *route, size_t vhost)
{
	const struct config *config = site->config;
	size_t first = config->filters.count;

	chain->route = route;
	chain->uses = 1;
	for (size_t i = 0; i < vhost; i++) {
		first += config->vhosts[i].filters.count;
	}
	append_filters(site, chain, 0, config->filters.count);
	append_filters(site, chain, first, config->vhosts[vhost].filters.count);
}

void site_chain_use(struct site_chain *chain)
{
	chain->uses++;
}

void site_chain_leave(struct site_chain *chain)
{
	if (--chain->uses > 0) {
		return;
	}
	for (size_t i = 0; i < chain->count; i++) {
		site_mount_unref(chain->items[i]->mount);
	}
	if (chain->route != NULL) {
		site_mount_unref(chain->route->mount);
	}
}

static size_t first_of_routes(const struct config *config)
{
	size_t first = config->filters.count;

	for (size_t i = 0; i < config->vhost_count; i++) {
		first += config->vhosts[i].filters.count;
	}
	return first;
}

static void add_filters(const struct build *build)
{
	struct site *site = build->site;
	const struct config_filter *filter;
	size_t count = 0;

	while (config_filter_at(site->config, count) != NULL) {
		count++;
	}
	site->filters = memory_new(count, sizeof(*site->filters));
	for (size_t i = 0; (filter = config_filter_at(site->config, i)) != NULL; i++) {
		add_filter(build, filter);
	}
	site->chains = memory_new(site->config->vhost_count, sizeof(*site->chains));
	for (size_t i = 0; i < site->config->vhost_count; i++) {
		begin_chain(site, &site->chains[i], NULL, i);
	}
}

static struct site_route *next_route(struct site *site, struct config_route *config)
{
	struct site_route *route = &site->routes[site->route_count++];

	route->config = config;
	return route;
}

/* Filters: where the route's own begin. */
static void add_configured(const struct build *build, struct config_route *config,
    size_t filters)
{
	struct site_route *route;
	struct plugin *plugin = NULL;
	void *clash;

	if (config->handler != NULL) {
		char *where = memory_printf("%s.handler", config->where);

		plugin = need_plugin(build, config->handler, where);
		if (plugin != NULL && plugin->can != 0 &&
		    (plugin->can & SITE_ANSWERS) == 0) {
			problems_add(build->problems, where, NULL, SITE_ANSWERS_NOTHING,
			    config->handler);
			plugin = NULL;
		}
		free(where);
		if (plugin == NULL) {
			return;
		}
	}
	route = next_route(build->site, config);
	begin_chain(build->site, &route->chain, route, config->vhost);
	append_filters(build->site, &route->chain, filters, config->filters.count);
	route->plugin = plugin;
	route->kind = SITE_REDIRECT;
	if (plugin != NULL) {
		mount(build, route, place_route(build->site->config, config),
		    config->pattern, &config->settings, config->where);
	}
	if (router_add(build->site->routers[config->vhost], config->pattern,
	    config->methods, (const char *const *)config->other_methods, route,
	    &clash) != 0) {
		problems_add(build->problems, config->where, NULL,
		    "the pattern '%s' cannot be routed", config->pattern);
	}
}

/* Its place is kept also where nobody has it: the n-th is that of config_stream_at. */
static void add_stream(const struct build *build, const struct config_stream *stream)
{
	struct site_route *route = &build->site->streams[build->site->stream_count++];

	route->kind = SITE_UNAVAILABLE;
	route->plugin = need_plugin(build, stream->handler, stream->where);
	if (route->plugin == NULL) {
		return;
	}
	/* Of one that nobody has loaded it is not known. */
	if (route->plugin->can != 0 && (route->plugin->can & PLUGIN_CONNECTS) == 0) {
		problems_add(build->problems, stream->where, NULL,
		    "handler '%s' takes no streams (it has no on_connect)",
		    stream->handler);
		return;
	}
	mount(build, route, place_stream(stream), stream->name, stream->settings,
	    stream->where);
}

static void add_streams(const struct build *build)
{
	struct site *site = build->site;
	const struct config *config = site->config;
	struct config_stream stream;

	site->streams = memory_new(config->listener_count + config->alpn_count,
	    sizeof(*site->streams));
	for (size_t i = 0; config_stream_at(config, i, &stream); i++) {
		add_stream(build, &stream);
	}
}

static bool is_routed(const struct site *site, const struct plugin *plugin)
{
	for (size_t i = 0; i < site->config->route_count; i++) {
		const char *handler = site->config->routes[i].handler;

		if (handler != NULL && plugin_find(site->plugins, handler) == plugin) {
			return true;
		}
	}
	return false;
}

/* On the default host. A configured route wins over a plugin's own; of two plugins the
 * first keeps the path. */
static void add_unrouted(const struct build *build, struct plugin *plugin)
{
	char *own = NULL;
	const char *pattern = plugin->own_route;
	struct site_route *route;
	struct site_route *older;
	const struct settings no_settings = { 0 };
	void *clash = NULL;
	const char *what;

	if (plugin->refusal != NULL ||
	    (plugin->can != 0 && (plugin->can & SITE_ANSWERS) == 0)) {
		return;
	}
	if (pattern == NULL && plugin->handler != NULL) {
		pattern = plugin->handler->route;
	}
	if (pattern == NULL) {
		own = memory_printf("/%s", plugin->note.name);
		pattern = own;
	}
	if (router_check(pattern, &what) != 0) {
		plugin_refuse(plugin, "its own route '%s' is not valid: %s", pattern,
		    what);
		free(own);
		return;
	}
	route = next_route(build->site, NULL);
	route->plugin = plugin;
	if (router_add(build->site->routers[0], pattern, 0, NULL, route, &clash) != 0) {
		*route = (struct site_route){ 0 };
		build->site->route_count--;
		older = clash;
		if (older != NULL && older->config == NULL) {
			plugin_refuse(plugin, "its own route '%s' is taken by '%s'",
			    pattern, older->plugin->file);
		}
	} else {
		begin_chain(build->site, &route->chain, route, 0);
		mount(build, route, place_own_route(pattern), pattern, &no_settings,
		    plugin->file);
	}
	free(own);
}

static void add_names(struct site *site)
{
	const struct config *config = site->config;
	size_t count = 0;

	for (size_t i = 0; i < config->vhost_count; i++) {
		for (char **name = config->vhosts[i].names; *name != NULL; name++) {
			count++;
		}
	}
	site->names = memory_new(count, sizeof(*site->names));
	for (size_t i = 0; i < config->vhost_count; i++) {
		for (char **name = config->vhosts[i].names; *name != NULL; name++) {
			struct site_name *place = &site->names[site->name_count++];

			*place = (struct site_name){ .name = *name, .vhost = i };
			hostnames_set(&site->by_name, *name, place);
		}
	}
}

static void add_vhosts(struct site *site)
{
	size_t count = site->config->vhost_count;

	site->routers = memory_new(count, sizeof(struct router *));
	for (size_t i = 0; i < count; i++) {
		site->routers[i] = router_new();
	}
	hostnames_init(&site->by_name);
	add_names(site);
}

void site_open(struct site *site, struct config *config, struct plugin_set *plugins,
    const struct site_process *process, struct problems *problems)
{
	struct build build = { .site = site, .process = process, .problems = problems };
	size_t filters = first_of_routes(config);

	memset(site, 0, sizeof(*site));
	site->config = config;
	site->plugins = plugins;
	add_vhosts(site);
	site->routes = memory_new(config->route_count + plugins->count,
	    sizeof(*site->routes));
	site->opening = process->mounts == NULL ? 0 :
	    site_mounts_begin(process->mounts);
	load_plugins(&build);
	add_filters(&build);
	for (size_t i = 0; i < config->route_count; i++) {
		add_configured(&build, &config->routes[i], filters);
		filters += config->routes[i].filters.count;
	}
	add_streams(&build);
	for (size_t i = 0; config->serve_unrouted && i < plugins->count; i++) {
		if (!is_routed(site, &plugins->items[i])) {
			add_unrouted(&build, &plugins->items[i]);
		}
	}
	if (process->mounts != NULL) {
		site_mounts_end(process->mounts);
	}
}

const struct site_name *site_find_name(const struct site *site, struct slice host)
{
	return hostnames_find(&site->by_name, host);
}

struct site_route *site_stream_of_listener(const struct site *site, size_t listener)
{
	const struct config *config = site->config;
	size_t place = 0;

	if (listener >= config->listener_count ||
	    config->listeners[listener].stream == NULL) {
		return NULL;
	}
	for (size_t i = 0; i < listener; i++) {
		place += config->listeners[i].stream != NULL;
	}
	return &site->streams[place];
}

struct site_route *site_stream_of_alpn(const struct site *site, const char *name)
{
	const struct config *config = site->config;
	size_t first = site->stream_count - config->alpn_count;

	for (size_t i = 0; i < config->alpn_count; i++) {
		if (strcmp(config->alpns[i].name, name) == 0) {
			return &site->streams[first + i];
		}
	}
	return NULL;
}

static void retire_routes(struct site_route *routes, size_t count,
    const struct site *site, const struct site *newer)
{
	for (size_t i = 0; i < count; i++) {
		struct site_mount *mount = routes[i].mount;

		if (mount != NULL && mount->opening != newer->opening) {
			site_mount_retire(mount, site->config->timeouts.drain_ms);
		}
	}
}

void site_retire(struct site *site, const struct site *newer)
{
	retire_routes(site->routes, site->route_count, site, newer);
	retire_routes(site->streams, site->stream_count, site, newer);
	retire_routes(site->filters, site->filter_count, site, newer);
	site_leave(site);
}

/* Streams have no chain, and filters are in those of others. */
static void leave_mounts(const struct site_route *routes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		site_mount_unref(routes[i].mount);
	}
}

void site_leave(struct site *site)
{
	if (site->left) {
		return;
	}
	site->left = true;
	for (size_t i = 0; i < site->route_count; i++) {
		site_chain_leave(&site->routes[i].chain);
	}
	for (size_t i = 0; site->chains != NULL && i < site->config->vhost_count; i++) {
		site_chain_leave(&site->chains[i]);
	}
	leave_mounts(site->streams, site->stream_count);
	leave_mounts(site->filters, site->filter_count);
}

void site_release(struct site *site)
{
	site_leave(site);
	for (size_t i = 0; i < site->route_count; i++) {
		free(site->routes[i].chain.items);
	}
	free(site->routes);
	free(site->streams);
	free(site->filters);
	for (size_t i = 0; site->chains != NULL && i < site->config->vhost_count; i++) {
		free(site->chains[i].items);
	}
	free(site->chains);
	for (size_t i = 0; site->routers != NULL && i < site->config->vhost_count; i++) {
		router_free(site->routers[i]);
	}
	free(site->routers);
	free(site->names);
	hostnames_release(&site->by_name);
	memset(site, 0, sizeof(*site));
}
