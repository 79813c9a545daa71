/* SPDX-License-Identifier: MIT */
/*
 * The search in the tree, without an allocation.
 *
 * It takes literal, then {name}, then *, and climbs back by parent numbers when it gets
 * stuck. One way only leads to a node, so a search visits no node twice and only nodes
 * that fit the path: if k segments of n can go on both as a literal and as a {name}, at
 * most n * 2^k. The routes are the operator's, so k is not for clients to choose; tables
 * met in practice have k <= 2.
 */
#define _GNU_SOURCE 1
#include "route/router.h"

#include "route/pattern.h"
#include "route/tree.h"

/* Where a search stands: at node, with path[at ..] to go. Past the end: nothing to go. */
struct search {
	const struct router *router;
	struct slice path;
	size_t at;
	uint32_t node;
	enum segment_kind next;		/* the first choice that was not tried */
	struct slice *values;		/* of the names taken on the way */
	size_t count;
};

static struct slice segment_at(struct slice path, size_t at)
{
	const char *end = memchr(path.data + at, '/', path.size - at);

	return (struct slice){ path.data + at,
		end == NULL ? path.size - at : (size_t)(end - path.data) - at };
}

/* Takes the best choice not yet tried: 0 if there is none. */
static uint32_t choose_child(struct search *search, struct slice segment)
{
	const struct router *router = search->router;
	uint32_t child = 0;

	if (search->next == SEGMENT_LITERAL) {
		child = find_literal(router, search->node, segment);
	}
	if (child == 0 && search->next <= SEGMENT_NAME && segment.size > 0) {
		child = router->nodes[search->node].name;
		if (child != 0) {
			search->values[search->count++] = segment;
		}
	}
	return child;
}

/* Back to the parent, to its next choice; false at the root. */
static bool climb(struct search *search)
{
	const struct node *node = &search->router->nodes[search->node];

	if (search->node == ROOT) {
		return false;
	}
	if (node->segment != NULL) {
		search->at -= node->segment_size + 1;
		search->next = SEGMENT_NAME;
	} else {
		search->at -= search->values[--search->count].size + 1;
		search->next = SEGMENT_REST;
	}
	search->node = node->parent;
	return true;
}

/* The number of the first route of the best path, or NO_ROUTE. */
static uint32_t find_path(struct search *search, struct slice *tail)
{
	do {
		const struct node *nodes = search->router->nodes;
		struct slice segment;
		uint32_t child;

		while (search->at <= search->path.size) {
			segment = segment_at(search->path, search->at);
			child = choose_child(search, segment);
			if (child == 0) {
				break;
			}
			search->node = child;
			search->at += segment.size + 1;
			search->next = SEGMENT_LITERAL;
		}
		if (search->at > search->path.size) {
			if (nodes[search->node].exact != NO_ROUTE) {
				return nodes[search->node].exact;
			}
		} else if (nodes[search->node].rest != NO_ROUTE) {
			*tail = search->path;
			slice_skip(tail, search->at);
			return nodes[search->node].rest;
		}
	} while (climb(search));
	return NO_ROUTE;
}

static bool takes_other(const struct route *route, struct slice method)
{
	const char *const *other = route->others;

	for (; other != NULL && *other != NULL; other++) {
		if (slice_equal(slice_of(*other), method)) {
			return true;
		}
	}
	return (route->methods & ANY_OTHER) != 0;
}

/* The route of the path that takes the method, or NULL. */
static const struct route *find_method(const struct router *router, uint32_t first,
    uint32_t method_id, struct slice method)
{
	for (uint32_t at = first; at != NO_ROUTE; at = router->routes[at].next) {
		const struct route *route = &router->routes[at];

		if (method_id != HTTP_OTHER ? (route->methods & method_id) != 0 :
		    takes_other(route, method)) {
			return route;
		}
	}
	if (method_id == HTTP_HEAD) {
		return find_method(router, first, HTTP_GET, method);
	}
	return NULL;
}

/* A route borrows its path's nodes from others, but its names are its own. */
static void fill_names(struct router_match *match)
{
	struct slice rest = slice_of(match->pattern);
	struct slice segment;
	size_t count = 0;

	while (count < match->params && pattern_next(&rest, &segment)) {
		if (pattern_kind(segment) == SEGMENT_NAME) {
			match->names[count++] = pattern_name(segment);
		}
	}
}

void router_match(const struct router *router, struct slice path, uint32_t method_id,
    struct slice method, struct router_match *match)
{
	struct search search = { .router = router, .path = path, .at = 1, .node = ROOT,
		.values = match->values };
	const struct route *route;
	uint32_t first;

	/* Field by field: clearing names and values would cost more than the search. */
	match->value = NULL;
	match->pattern = NULL;
	match->methods = 0;
	match->other_methods = NULL;
	match->tail = SLICE("");
	match->params = 0;
	if (path.size == 0 || path.data[0] != '/') {
		return;
	}
	first = find_path(&search, &match->tail);
	if (first == NO_ROUTE) {
		return;
	}
	match->methods = router->routes[first].path_methods;
	match->other_methods = router->routes[first].path_others;
	route = find_method(router, first, method_id, method);
	if (route != NULL) {
		match->value = route->value;
		match->pattern = route->pattern;
		match->params = search.count;
		fill_names(match);
	}
}
