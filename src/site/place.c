/* SPDX-License-Identifier: MIT */
/* Where in the configuration a handler is used, as text. */
#include "site/place.h"

#include <stdlib.h>

#include "base/memory.h"

static const char *name_of(const struct config_vhost *vhost)
{
	return vhost->names == NULL || vhost->names[0] == NULL ? "" : vhost->names[0];
}

/* A plugin's own is on the default host, for every method. */
char *place_own_route(const char *pattern)
{
	return memory_printf("route\n\n%s\n0", pattern);
}

char *place_route(const struct config *config, const struct config_route *route)
{
	char *place = memory_printf("route\n%s\n%s\n%x",
	    name_of(&config->vhosts[route->vhost]), route->pattern, route->methods);

	for (char **other = route->other_methods; other != NULL && *other != NULL;
	     other++) {
		char *longer = memory_printf("%s %s", place, *other);

		free(place);
		place = longer;
	}
	return place;
}

static char *of_route(const struct config *config, const struct config_route *route)
{
	char *place = place_route(config, route);
	char *filter = memory_printf("filter of %s", place);

	free(place);
	return filter;
}

char *place_filter(const struct config *config, size_t index)
{
	if (index < config->filters.count) {
		return memory_text("filter of the server");
	}
	index -= config->filters.count;
	for (size_t i = 0; i < config->vhost_count; i++) {
		const struct config_vhost *vhost = &config->vhosts[i];

		if (index < vhost->filters.count) {
			return memory_printf("filter of host\n%s", name_of(vhost));
		}
		index -= vhost->filters.count;
	}
	for (size_t i = 0; i < config->route_count; i++) {
		if (index < config->routes[i].filters.count) {
			return of_route(config, &config->routes[i]);
		}
		index -= config->routes[i].filters.count;
	}
	return memory_text("");
}

char *place_stream(const struct config_stream *stream)
{
	return memory_printf("%s\n%s", stream->kind, stream->name);
}

/* The settings come last: of all that is in it, they alone can hold anything. */
char *place_key(const char *place, const struct plugin *plugin,
    const struct settings *settings)
{
	return memory_printf("%s\n%s\n%s\n%s\n%s", place, plugin->note.name, plugin->hash,
	    plugin->isolated ? "host" : "worker",
	    settings->count == 0 ? "" : settings->items[0].json);
}
