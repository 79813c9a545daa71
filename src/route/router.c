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

/* Not cleared; lives as long as the router. Routers are built at boot and reload only. */
static void *allocate(struct router *router, size_t size)
{
	void *memory = arena_alloc(&router->arena, size);

	if (memory == NULL) {
		memory_exhausted();
	}
	return memory;
}

static void place_edge(struct router *router, struct node *node)
{
	size_t mask = router->edge_capacity - 1;
	size_t at = node->hash & mask;

	while (router->edges[at].node != NULL) {
		at = (at + 1) & mask;
	}
	router->edges[at] = (struct edge){ .hash = node->hash, .node = node };
}

static void add_edge(struct router *router, struct node *node)
{
	if (router->edge_count >= router->edge_capacity / 4 * 3) {
		struct edge *old = router->edges;
		size_t old_capacity = router->edge_capacity;

		router->edge_capacity *= 2;
		router->edges = memory_new(router->edge_capacity, sizeof(*router->edges));
		for (size_t i = 0; i < old_capacity; i++) {
			if (old[i].node != NULL) {
				place_edge(router, old[i].node);
			}
		}
		free(old);
	}
	place_edge(router, node);
	router->edge_count++;
}

static struct node *new_node(struct router *router, struct node *parent, uint64_t hash,
    struct slice segment)
{
	struct node *node = allocate(router, sizeof(*node) + segment.size);

	*node = (struct node){ .hash = hash, .parent = parent, .size = segment.size };
	memcpy(node->segment, segment.data, segment.size);
	return node;
}

struct router *router_new(void)
{
	struct router *router = memory_new(1, sizeof(*router));

	arena_init(&router->arena, SIZE_MAX);
	router->root = new_node(router, NULL, hash_seed(), SLICE(""));
	router->edge_capacity = EDGES_FIRST;
	router->edges = memory_new(EDGES_FIRST, sizeof(*router->edges));
	return router;
}

void router_free(struct router *router)
{
	if (router == NULL) {
		return;
	}
	for (size_t i = 0; i < router->route_count; i++) {
		free(router->routes[i]->path_others);
	}
	free(router->routes);
	free(router->edges);
	arena_release(&router->arena);
	free(router);
}

int router_check(const char *pattern, const char **what)
{
	return pattern_check(pattern, what);
}

static struct node *add_literal(struct router *router, struct node *parent,
    struct slice segment)
{
	uint64_t hash = hash_literal(parent->hash, segment);
	struct node *child = find_literal(router, parent, segment, hash);

	if (child == NULL) {
		child = new_node(router, parent, hash, segment);
		add_edge(router, child);
	}
	return child;
}

static struct node *add_name(struct router *router, struct node *parent)
{
	if (parent->name == NULL) {
		uint64_t hash = hash_name(parent->hash);

		parent->name = new_node(router, parent, hash, SLICE(""));
	}
	return parent->name;
}

/* Where the path's first route is kept; makes the nodes on the way. */
static struct route **add_path(struct router *router, const char *pattern)
{
	struct slice rest = slice_of(pattern);
	struct slice segment;
	struct node *node = router->root;

	while (pattern_next(&rest, &segment)) {
		switch (pattern_kind(segment)) {
		case SEGMENT_LITERAL:
			node = add_literal(router, node, segment);
			break;
		case SEGMENT_NAME:
			node = add_name(router, node);
			break;
		case SEGMENT_REST:
			return &node->rest;
		}
	}
	return &node->exact;
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

static struct route *new_route(struct router *router, const char *pattern,
    const struct route *given)
{
	size_t size = strlen(pattern) + 1;
	struct route *route = allocate(router, sizeof(*route) + size);

	*route = *given;
	memcpy(route->pattern, pattern, size);
	if (router->route_count == router->route_capacity) {
		router->route_capacity = router->route_capacity == 0 ? 16 :
		    router->route_capacity * 2;
		router->routes = memory_grow(router->routes, router->route_capacity,
		    sizeof(*router->routes));
	}
	router->routes[router->route_count++] = route;
	return route;
}

int router_add(struct router *router, const char *pattern, uint32_t methods,
    const char *const *others, void *value, void **clash)
{
	struct route route = { .value = value, .others = others, .methods = methods };
	struct route **first;
	struct route **last;
	const char *what;

	if (router_check(pattern, &what) != 0) {
		return ERR_INVALID;
	}
	if (count_others(others) == 0) {
		route.others = NULL;
		route.methods = methods != 0 ? methods : ALL_METHODS | ANY_OTHER;
	}
	first = add_path(router, pattern);
	for (last = first; *last != NULL; last = &(*last)->next) {
		if (routes_clash(*last, &route)) {
			*clash = (*last)->value;
			return ERR_LIMIT;
		}
	}
	*last = new_route(router, pattern, &route);
	widen_path(*first, &route);
	return 0;
}

struct numbered {
	const struct route *route;
	size_t number;		/* in the order of adding, as qsort keeps no order */
};

static int compare_routes(const void *a, const void *b)
{
	const struct numbered *left = a;
	const struct numbered *right = b;
	int order = pattern_compare(left->route->pattern, right->route->pattern);

	if (order != 0) {
		return order;
	}
	return (left->number > right->number) - (left->number < right->number);
}

void router_walk(const struct router *router,
    void (*fn)(void *arg, const char *pattern, uint32_t methods, void *value), void *arg)
{
	struct numbered *sorted = memory_new(router->route_count, sizeof(*sorted));

	for (size_t i = 0; i < router->route_count; i++) {
		sorted[i] = (struct numbered){ router->routes[i], i };
	}
	qsort(sorted, router->route_count, sizeof(*sorted), compare_routes);
	for (size_t i = 0; i < router->route_count; i++) {
		const struct route *route = sorted[i].route;

		fn(arg, route->pattern, route->methods & ~ANY_OTHER, route->value);
	}
	free(sorted);
}
