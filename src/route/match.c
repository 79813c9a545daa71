/* SPDX-License-Identifier: MIT */
/*
 * The search in the tree, without an allocation.
 *
 * It takes literal, then {name}, then *, and climbs back by the parents when it gets
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
	const struct node *node;
	uint64_t hash;			/* of node, known before the node is */
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

static void step_down(struct search *search, const struct node *child, uint64_t hash,
    struct slice segment)
{
	search->node = child;
	search->hash = hash;
	search->at += segment.size + 1;
	search->next = SEGMENT_LITERAL;
}

/* Down by the best choice not yet tried, if there is one. */
static bool descend(struct search *search)
{
	struct slice segment = segment_at(search->path, search->at);
	const struct node *child;

	if (search->next == SEGMENT_LITERAL) {
		uint64_t hash = hash_literal(search->hash, segment);

		child = find_literal(search->router, search->node, segment, hash);
		if (child != NULL) {
			step_down(search, child, hash, segment);
			return true;
		}
	}
	child = search->node->name;
	if (search->next == SEGMENT_REST || child == NULL || segment.size == 0) {
		return false;
	}
	search->values[search->count++] = segment;
	step_down(search, child, hash_name(search->hash), segment);
	return true;
}

/* Back to the parent, to its next choice; false at the root. */
static bool climb(struct search *search)
{
	const struct node *node = search->node;
	const struct node *parent = node->parent;

	if (parent == NULL) {
		return false;
	}
	if (node == parent->name) {
		search->at -= search->values[--search->count].size + 1;
		search->next = SEGMENT_REST;
	} else {
		search->at -= node->size + 1;
		search->next = SEGMENT_NAME;
	}
	search->node = parent;
	search->hash = parent->hash;
	return true;
}

/* The first route of the best path, or NULL. */
static const struct route *find_path(struct search *search, struct slice *tail)
{
	do {
		while (search->at <= search->path.size && descend(search)) {
		}
		if (search->at > search->path.size) {
			if (search->node->exact != NULL) {
				return search->node->exact;
			}
		} else if (search->node->rest != NULL) {
			*tail = search->path;
			slice_skip(tail, search->at);
			return search->node->rest;
		}
	} while (climb(search));
	return NULL;
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
static const struct route *find_method(const struct route *first, uint32_t method_id,
    struct slice method)
{
	for (const struct route *route = first; route != NULL; route = route->next) {
		if (method_id != HTTP_OTHER ? (route->methods & method_id) != 0 :
		    takes_other(route, method)) {
			return route;
		}
	}
	if (method_id == HTTP_HEAD) {
		return find_method(first, HTTP_GET, method);
	}
	return NULL;
}

/* Routes of equal patterns share their nodes, but each has names of its own. */
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
	struct search search = { .router = router, .path = path, .at = 1,
		.node = router->root, .hash = router->root->hash,
		.values = match->values };
	const struct route *first;
	const struct route *route;

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
	if (first == NULL) {
		return;
	}
	match->methods = first->path_methods;
	match->other_methods = first->path_others;
	route = find_method(first, method_id, method);
	if (route != NULL) {
		match->value = route->value;
		match->pattern = route->pattern;
		match->params = search.count;
		fill_names(match);
	}
}
