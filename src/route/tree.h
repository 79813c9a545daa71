/* SPDX-License-Identifier: MIT */
/*
 * The tree of segments behind the routes: built in router.c, searched in match.c.
 *
 * Nodes are numbers. All literal children of all nodes share one hash table keyed by
 * (parent, segment), so that a step down costs one probe whatever the number of routes;
 * a node costs 32 bytes and its 8 bytes in that table.
 */
#ifndef TINCAN_ROUTE_TREE_H
#define TINCAN_ROUTE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/slice.h"
#include "http/message.h"
#include "route/router.h"

#define ROOT 0u		/* nobody's child: as a child, 0 says "none" */
#define NO_ROUTE 0u	/* routes[0] is not used */

/* What a route without methods takes, as far as it has names. */
#define ALL_METHODS (HTTP_GET | HTTP_HEAD | HTTP_POST | HTTP_PUT | HTTP_DELETE | \
    HTTP_OPTIONS | HTTP_PATCH)
#define ANY_OTHER (1u << 31)	/* and, beyond the enum's bits, what has none */

struct route {
	char *pattern;			/* owned */
	void *value;			/* borrowed */
	const char *const *others;	/* borrowed; NULL if none */
	const char **path_others;	/* owned; of the first of a path: all of them */
	uint32_t methods;		/* with ANY_OTHER */
	uint32_t path_methods;		/* of the first of a path: all of them */
	uint32_t next;			/* of the same path, for other methods */
};

struct node {
	const char *segment;	/* part of a route's pattern; NULL: a {name} */
	uint32_t segment_size;
	uint32_t parent;
	uint32_t name;		/* the child for {name} */
	uint32_t exact;		/* first route that ends here */
	uint32_t rest;		/* first route that goes on with "*" */
};

struct edge {
	uint32_t hash;
	uint32_t node;		/* 0: an empty place */
};

struct router {
	struct node *nodes;	/* owned, as are the others */
	size_t node_count;
	size_t node_capacity;
	struct route *routes;
	size_t route_count;
	size_t route_capacity;
	struct edge *edges;	/* at most three quarters full */
	size_t edge_count;
	size_t edge_capacity;	/* a power of two */
	uint64_t seed;
};

/* Of a literal child. */
static inline uint32_t hash_child(const struct router *router, uint32_t parent,
    struct slice segment)
{
	return (uint32_t)hash_text(segment, router->seed + parent * HASH_BLOCK);
}

/* The child of parent behind the literal, or 0. */
static inline uint32_t find_literal(const struct router *router, uint32_t parent,
    struct slice segment)
{
	uint32_t hash = hash_child(router, parent, segment);
	size_t mask = router->edge_capacity - 1;

	for (size_t at = hash & mask; router->edges[at].node != 0; at = (at + 1) & mask) {
		const struct edge *edge = &router->edges[at];
		const struct node *node = &router->nodes[edge->node];

		if (edge->hash == hash && node->parent == parent &&
		    node->segment_size == segment.size &&
		    memcmp(node->segment, segment.data, segment.size) == 0) {
			return edge->node;
		}
	}
	return 0;
}

#endif
