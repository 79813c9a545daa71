/* SPDX-License-Identifier: MIT */
/*
 * From a path and a method to a target, at a cost that does not grow with the number
 * of routes: a tree of segments, whose literals are found by hash (tree.h, match.c).
 *
 * Patterns: literal segments, "{name}" for one segment (never empty), a last "*"
 * for the rest: "/static/" with a star behind matches "/static/" too, with an empty
 * tail, but not "/static". The most specific wins, segment by segment: literal, then
 * {name}, then *, whatever the methods: they decide only among routes of the path that
 * has won.
 *
 * A route without methods takes all but CONNECT and TRACE. GET stands in for HEAD where
 * no route of an equal pattern lists HEAD. OPTIONS is always among what a path takes:
 * where no route lists it (value NULL), the server answers it.
 *
 * Built once (boot, reload), then immutable: look-ups need no lock.
 */
#ifndef TINCAN_ROUTE_ROUTER_H
#define TINCAN_ROUTE_ROUTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"

#define ROUTER_MAX_PARAMS 16	/* {name} segments of one pattern */

struct router;

/* What a path leads to; value is the caller's, borrowed. */
struct router_match {
	void *value;			/* NULL: no route for this path and method */
	const char *pattern;		/* as it was added; lives as long as the router;
					   NULL if value is */
	uint32_t methods;		/* that this path takes (of enum http_method);
					   0: no such path (404); else, if
					   value is NULL, 405 */
	const char *const *other_methods; /* extension methods it takes, NULL-ended */
	struct slice tail;		/* what "*" matched, a part of path */
	size_t params;
	struct slice names[ROUTER_MAX_PARAMS];	/* borrowed from the router */
	struct slice values[ROUTER_MAX_PARAMS];	/* parts of path */
};

struct router *router_new(void);
void router_free(struct router *router);

/* Is pattern well formed? If not, *what is a static text that goes on after the pattern
 * ("must start with '/'") and the result ERR_INVALID. */
int router_check(const char *pattern, const char **what) MUST_USE;

/*
 * Adds a route; pattern is copied, value is not NULL. Methods is a mask of enum
 * http_method, 0 with no others for "all"; others: NULL-ended extension methods,
 * borrowed, or NULL.
 *
 * @return 0; ERR_INVALID for a pattern that router_check refuses; ERR_LIMIT if an equal
 *	pattern ({a} equals {b}) already takes one of the methods: *clash is its value.
 */
int router_add(struct router *router, const char *pattern, uint32_t methods,
    const char *const *others, void *value, void **clash) MUST_USE;

/* Looks up; method_id 0 with the name of an extension method, else name is not read. */
void router_match(const struct router *router, struct slice path, uint32_t method_id,
    struct slice method, struct router_match *match);

/* Calls fn for every route in the order of matching (literal before {name} before *, the
 * literals by their bytes); methods is what the route itself takes, written out. */
void router_walk(const struct router *router,
    void (*fn)(void *arg, const char *pattern, uint32_t methods, void *value), void *arg);

#endif
