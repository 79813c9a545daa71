/* SPDX-License-Identifier: MIT */
/* "routes": which path goes to which handler, or is redirected to where. */
#include "config/sections.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "config/filters.h"
#include "config/methods.h"
#include "config/origins.h"
#include "config/reader.h"
#include "route/router.h"

#define DEFAULT_STATUS 302

static void read_methods(const struct node *node, void *target)
{
	struct config_route *route = target;

	methods_read(node, &route->methods, &route->other_methods);
}

static void read_origins(const struct node *node, void *target)
{
	struct config_route *route = target;

	origins_read(node, &route->origins);
}

static void read_filters(const struct node *node, void *target)
{
	struct config_route *route = target;

	filters_read_list(node, &route->filters);
}

static void read_status(const struct node *node, void *target)
{
	static const int statuses[] = { 301, 302, 303, 307, 308 };
	struct config_route *route = target;

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		if (json_is_integer(node->json) &&
		    json_integer_value(node->json) == statuses[i]) {
			route->status = statuses[i];
			return;
		}
	}
	if (json_is_number(node->json)) {
		node_problem(node, NULL, "expected 301, 302, 303, 307 or 308, found %s",
		    node_word(node).text);
	} else {
		node_mismatch(node, "a number");
	}
}

/* "required" alone, so that other demands can be made one day. */
static void read_client(const struct node *node, void *target)
{
	struct config_route *route = target;

	if (!reader_expect(node, JSON_STRING)) {
		return;
	}
	route->needs_client = strcmp(json_string_value(node->json), "required") == 0;
	if (!route->needs_client) {
		node_problem(node, NULL, "expected 'required', found %s",
		    node_word(node).text);
	}
}

#define FIELD(field_) .offset = offsetof(struct config_route, field_)

static const struct key route_keys[] = {
	{ KEY("path", TEXT), FIELD(pattern), .required = true },
	{ KEY("methods", OTHER), .read = read_methods },
	{ KEY("handler", TEXT), FIELD(handler) },
	{ KEY("settings", SETTINGS), FIELD(settings) },
	{ KEY("origins", OTHER), .read = read_origins },
	{ KEY("filters", OTHER), .read = read_filters },
	{ KEY("client_certificate", OTHER), .read = read_client },
	{ KEY("redirect", TEXT), FIELD(redirect) },
	{ KEY("status", OTHER), .read = read_status },
	{ .name = NULL }
};

static void free_route(struct config_route *route)
{
	memory_free_texts(route->other_methods);
	memory_free_texts(route->origins);
	free(route->where);
	free(route->pattern);
	free(route->handler);
	free(route->redirect);
	settings_release(&route->settings);
	filters_free(&route->filters);
}

static void check_pattern(const struct node *node, const struct config_route *route)
{
	const char *what;
	struct node path;

	if (route->pattern != NULL && node_find(node, "path", &path) &&
	    router_check(route->pattern, &what) != 0) {
		node_problem(&path, NULL, "%s %s", word_of(route->pattern).text, what);
	}
}

/* A path of this server, or an http(s) URL with a host? */
static bool is_location(const char *text)
{
	const char *host = NULL;

	if (strncmp(text, "https://", 8) == 0) {
		host = text + 8;
	} else if (strncmp(text, "http://", 7) == 0) {
		host = text + 7;
	}
	if (host != NULL) {
		return *host != '\0' && *host != '/';
	}
	return text[0] == '/' && text[1] != '/';
}

/* Can the text stand in a Location field as it is (RFC 3986: visible ASCII)? */
static bool is_visible(const char *text)
{
	while (*text > 0x20 && *text < 0x7f) {
		text++;
	}
	return *text == '\0';
}

static void check_redirect(const struct node *redirect, const char *location)
{
	if (!is_location(location)) {
		node_problem(redirect, NULL, "expected a path or http(s) URL, found %s",
		    word_of(location).text);
	} else if (!is_visible(location)) {
		node_problem(redirect, NULL, "%s has characters that need '%%' escapes",
		    word_of(location).text);
	}
}

/* Handler or redirect, and each with its own keys only. */
static void check_target(const struct node *node, const struct config_route *route)
{
	struct node handler;
	struct node redirect;
	struct node extra;
	bool has_handler = node_find(node, "handler", &handler);
	bool has_redirect = node_find(node, "redirect", &redirect);

	if (!has_handler && !has_redirect) {
		node_problem(node, NULL, "a route needs a 'handler' or a 'redirect'");
	}
	if (has_handler && has_redirect) {
		node_problem(&redirect, NULL,
		    "a route has a 'handler' or a 'redirect', not both");
	}
	if (!has_redirect && node_find(node, "status", &extra)) {
		node_problem(&extra, NULL, "'status' goes with 'redirect' only");
	}
	if (!has_handler && node_find(node, "settings", &extra)) {
		node_problem(&extra, NULL, "'settings' goes with 'handler' only");
	}
	if (!has_handler && node_find(node, "origins", &extra)) {
		node_problem(&extra, NULL, "'origins' goes with 'handler' only");
	}
	if (route->handler != NULL) {
		handler_name_check(&handler, route->handler);
	}
	if (route->redirect != NULL) {
		check_redirect(&redirect, route->redirect);
	}
}

/* The router itself says which routes get in each other's way; its values are routes. */
static void check_clash(const struct node *node, struct router *router,
    struct config_route *route)
{
	const struct config_route *other;
	struct node path;
	void *clash;

	if (router_add(router, route->pattern, route->methods,
	    (const char *const *)route->other_methods, route, &clash) == 0 ||
	    !node_find(node, "path", &path)) {
		return;
	}
	other = clash;
	node_problem(&path, strcmp(other->pattern, route->pattern) == 0 ? NULL :
	    "names do not tell patterns apart", "%s with %s is the same as %s in %s",
	    word_of(route->pattern).text, methods_common(route, other).text,
	    word_of(other->pattern).text, other->where);
}

static void read_route(const struct node *node, struct router *router,
    struct config_route *route)
{
	size_t errors = node->document->problems->errors;

	route->status = DEFAULT_STATUS;
	route->where = node_where(node);
	reader_object(node, route_keys, route);
	if (json_is_object(node->json)) {
		check_pattern(node, route);
		check_target(node, route);
	}
	if (node->document->problems->errors == errors) {
		check_clash(node, router, route);
	}
}

void routes_read(const struct node *node, void *target)
{
	routes_add(node, target, 0);
}

void routes_add(const struct node *node, struct config *config, size_t vhost)
{
	struct node child = { 0 };
	struct router *router;

	if (!reader_expect(node, JSON_ARRAY)) {
		return;
	}
	/* As many as may be needed, as the router holds on to the routes' places. */
	config->routes = memory_grow(config->routes,
	    config->route_count + json_array_size(node->json) + 1,
	    sizeof(*config->routes));
	router = router_new();
	while (node_next(node, &child)) {
		struct config_route *route = &config->routes[config->route_count];
		size_t errors = node->document->problems->errors;

		*route = (struct config_route){ .vhost = vhost };
		read_route(&child, router, route);
		if (node->document->problems->errors == errors) {
			config->route_count++;
		} else {
			free_route(route);
		}
	}
	router_free(router);
}

void routes_free(struct config *config)
{
	for (size_t i = 0; i < config->route_count; i++) {
		free_route(&config->routes[i]);
	}
	free(config->routes);
}
