/* SPDX-License-Identifier: MIT */
/*
 * The tree of segments behind the routes: built in router.c, searched in match.c.
 *
 * All literal children of all nodes share one hash table, so that a step down costs one
 * probe whatever the number of routes. What is left to grow with it is cache misses, so
 * they are few and do not wait for each other: a node's hash comes from its parent's
 * hash and its segment, so that the probes of all segments of a path can be under way
 * at once; texts are in the structs themselves, and a node and the route that made it
 * are neighbours in the arena.
 */
#ifndef TINCAN_ROUTE_TREE_H
#define TINCAN_ROUTE_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/slice.h"
#include "http/message.h"
#include "route/router.h"

/* What a route without methods takes, as far as it has names. */
#define ALL_METHODS (HTTP_GET | HTTP_HEAD | HTTP_POST | HTTP_PUT | HTTP_DELETE | \
    HTTP_OPTIONS | HTTP_PATCH)
#define ANY_OTHER (1u << 31)	/* and, beyond the enum's bits, what has none */

struct route {
	struct route *next;		/* of the same path, for other methods */
	void *value;			/* borrowed */
	const char *const *others;	/* borrowed; NULL if none */
	const char **path_others;	/* owned; of the first of a path: all of them */
	uint32_t methods;		/* with ANY_OTHER */
	uint32_t path_methods;		/* of the first of a path: all of them */
	char pattern[];
};

struct node {
	uint64_t hash;		/* of all segments down to this one */
	struct node *parent;	/* NULL: the root */
	struct node *name;	/* the child for {name}, or NULL */
	struct route *exact;	/* first route that ends here, or NULL */
	struct route *rest;	/* first route that goes on with "*", or NULL */
	size_t size;		/* of segment, which is empty for a {name} */
	char segment[];
};

struct edge {
	uint64_t hash;
	struct node *node;	/* NULL: an empty place */
};

struct router {
	struct arena arena;	/* of nodes and routes */
	struct node *root;
	struct route **routes;	/* in the order of adding; owned, as are the edges */
	size_t route_count;
	size_t route_capacity;
	struct edge *edges;	/* at most three quarters full */
	size_t edge_count;
	size_t edge_capacity;	/* a power of two */
};

static inline uint64_t hash_literal(uint64_t parent_hash, struct slice segment)
{
	return hash_text(segment, parent_hash);
}

static inline uint64_t hash_name(uint64_t parent_hash)
{
	return hash_fold(parent_hash, HASH_BLOCK);
}

/* The child of parent behind the literal, whose hash is given, or NULL. */
static inline struct node *find_literal(const struct router *router,
    const struct node *parent, struct slice segment, uint64_t hash)
{
	const struct edge *edges = router->edges;
	size_t mask = router->edge_capacity - 1;

	for (size_t at = hash & mask; edges[at].node != NULL; at = (at + 1) & mask) {
		struct node *node = edges[at].node;

		if (edges[at].hash == hash && node->parent == parent &&
		    slice_equal(segment, (struct slice){ node->segment, node->size })) {
			return node;
		}
	}
	return NULL;
}

#endif
