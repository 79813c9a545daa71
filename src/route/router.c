/* SPDX-License-Identifier: MIT */
/* The router as it is built: routes in, nodes and their table out. */
#define _GNU_SOURCE 1
#include "route/router.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "route/pattern.h"
#include "route/tree.h"

#define EDGES_FIRST 64	/* a power of two */

static void place_edge(struct router *router, struct edge edge)
{
	size_t mask = router->edge_capacity - 1;
	size_t at = edge.hash & mask;

	while (router->edges[at].node != 0) {
		at = (at + 1) & mask;
	}
	router->edges[at] = edge;
}

static void add_edge(struct router *router, struct edge edge)
{
	if (router->edge_count >= router->edge_capacity / 4 * 3) {
		struct edge *old = router->edges;
		size_t old_capacity = router->edge_capacity;

		router->edge_capacity *= 2;
		router->edges = memory_new(router->edge_capacity, sizeof(*router->edges));
		for (size_t i = 0; i < old_capacity; i++) {
			if (old[i].node != 0) {
				place_edge(router, old[i]);
			}
		}
		free(old);
	}
	place_edge(router, edge);
	router->edge_count++;
}

static uint32_t add_node(struct router *router, struct node node)
{
	if (router->node_count == router->node_capacity) {
		router->node_capacity = router->node_capacity == 0 ? 16 :
		    router->node_capacity * 2;
		router->nodes = memory_grow(router->nodes, router->node_capacity,
		    sizeof(*router->nodes));
	}
	router->nodes[router->node_count] = node;
	return (uint32_t)router->node_count++;
}

struct router *router_new(void)
{
	struct router *router = memory_new(1, sizeof(*router));

	router->seed = hash_seed();
	router->edge_capacity = EDGES_FIRST;
	router->edges = memory_new(EDGES_FIRST, sizeof(*router->edges));
	router->route_capacity = 16;
	router->routes = memory_new(router->route_capacity, sizeof(*router->routes));
	router->route_count = 1;
	add_node(router, (struct node){ .parent = ROOT });
	return router;
}

void router_free(struct router *router)
{
	if (router == NULL) {
		return;
	}
	for (size_t i = NO_ROUTE + 1; i < router->route_count; i++) {
		free(router->routes[i].pattern);
		free(router->routes[i].path_others);
	}
	free(router->routes);
	free(router->nodes);
	free(router->edges);
	free(router);
}

int router_check(const char *pattern, const char **what)
{
	return pattern_check(pattern, what);
}

static uint32_t add_literal(struct router *router, uint32_t parent, struct slice segment)
{
	uint32_t child = find_literal(router, parent, segment);

	if (child == 0) {
		uint32_t hash = hash_child(router, parent, segment);

		child = add_node(router, (struct node){ .parent = parent,
		    .segment = segment.data, .segment_size = (uint32_t)segment.size });
		add_edge(router, (struct edge){ .hash = hash, .node = child });
	}
	return child;
}

static uint32_t add_name(struct router *router, uint32_t parent)
{
	if (router->nodes[parent].name == 0) {
		uint32_t child = add_node(router, (struct node){ .parent = parent });

		router->nodes[parent].name = child;
	}
	return router->nodes[parent].name;
}

/* Where the number of the path's first route is kept; makes the nodes on the way. */
static uint32_t *add_path(struct router *router, const char *pattern)
{
	struct slice rest = slice_of(pattern);
	struct slice segment;
	uint32_t node = ROOT;

	while (pattern_next(&rest, &segment)) {
		switch (pattern_kind(segment)) {
		case SEGMENT_LITERAL:
			node = add_literal(router, node, segment);
			break;
		case SEGMENT_NAME:
			node = add_name(router, node);
			break;
		case SEGMENT_REST:
			return &router->nodes[node].rest;
		}
	}
	return &router->nodes[node].exact;
}

static bool lists_method(const char *const *others, const char *method)
{
	for (; others != NULL && *others != NULL; others++) {
		if (strcmp(*others, method) == 0) {
			return true;
		}
	}
	return false;
}

/* Do both routes take some method? That GET stands in for HEAD does not count. */
static bool routes_clash(const struct route *a, const struct route *b)
{
	const char *const *other = a->others;

	if ((a->methods & b->methods) != 0 ||
	    ((a->methods & ANY_OTHER) && b->others != NULL) ||
	    ((b->methods & ANY_OTHER) && a->others != NULL)) {
		return true;
	}
	for (; other != NULL && *other != NULL; other++) {
		if (lists_method(b->others, *other)) {
			return true;
		}
	}
	return false;
}

static size_t count_others(const char *const *others)
{
	size_t count = 0;

	while (others != NULL && others[count] != NULL) {
		count++;
	}
	return count;
}

/* Counts route among what the path takes; OPTIONS is taken always, see router.h. */
static void widen_path(struct route *first, const struct route *route)
{
	size_t old = count_others(first->path_others);
	size_t more = count_others(route->others);

	first->path_methods |= (route->methods & ~ANY_OTHER) | HTTP_OPTIONS;
	if (route->methods & HTTP_GET) {
		first->path_methods |= HTTP_HEAD;
	}
	if (more > 0) {
		first->path_others = memory_grow(first->path_others, old + more + 1,
		    sizeof(*first->path_others));
		memcpy(first->path_others + old, route->others,
		    (more + 1) * sizeof(*route->others));
	}
}

/* The first route of the path that route clashes with, else NULL; *last is its end. */
static const struct route *find_clash(const struct router *router, uint32_t first,
    const struct route *route, uint32_t *last)
{
	*last = NO_ROUTE;
	for (uint32_t at = first; at != NO_ROUTE; at = router->routes[at].next) {
		if (routes_clash(&router->routes[at], route)) {
			return &router->routes[at];
		}
		*last = at;
	}
	return NULL;
}

static uint32_t append_route(struct router *router, const struct route *route)
{
	if (router->route_count == router->route_capacity) {
		router->route_capacity *= 2;
		router->routes = memory_grow(router->routes, router->route_capacity,
		    sizeof(*router->routes));
	}
	router->routes[router->route_count] = *route;
	return (uint32_t)router->route_count++;
}

int router_add(struct router *router, const char *pattern, uint32_t methods,
    const char *const *others, void *value, void **clash)
{
	struct route route = { .methods = methods, .others = others, .value = value };
	const struct route *other;
	const char *what;
	uint32_t *first;
	uint32_t last;
	uint32_t added;

	if (router_check(pattern, &what) != 0) {
		return ERR_INVALID;
	}
	if (count_others(others) == 0) {
		route.others = NULL;
		route.methods = methods != 0 ? methods : ALL_METHODS | ANY_OTHER;
	}
	route.pattern = memory_text(pattern);
	first = add_path(router, route.pattern);
	other = find_clash(router, *first, &route, &last);
	if (other != NULL) {
		/* The path was there before, so no node borrows from this pattern. */
		*clash = other->value;
		free(route.pattern);
		return ERR_LIMIT;
	}
	added = append_route(router, &route);
	if (*first == NO_ROUTE) {
		*first = added;
	} else {
		router->routes[last].next = added;
	}
	widen_path(&router->routes[*first], &route);
	return 0;
}

static int compare_routes(const void *a, const void *b)
{
	const struct route *left = *(const struct route *const *)a;
	const struct route *right = *(const struct route *const *)b;
	int order = pattern_compare(left->pattern, right->pattern);

	return order != 0 ? order : (left > right) - (left < right);
}

void router_walk(const struct router *router,
    void (*fn)(void *arg, const char *pattern, uint32_t methods, void *value), void *arg)
{
	size_t count = router->route_count - 1;
	const struct route **routes = memory_new(count, sizeof(*routes));

	for (size_t i = 0; i < count; i++) {
		routes[i] = &router->routes[i + 1];
	}
	qsort(routes, count, sizeof(*routes), compare_routes);
	for (size_t i = 0; i < count; i++) {
		fn(arg, routes[i]->pattern, routes[i]->methods & ~ANY_OTHER,
		    routes[i]->value);
	}
	free(routes);
}
