/* SPDX-License-Identifier: MIT */
/* Short ways to fill and ask a router; a route's value is its own pattern. */
#ifndef TINCAN_TESTS_ROUTES_H
#define TINCAN_TESTS_ROUTES_H

#include <stdint.h>

#include "http/message.h"
#include "route/router.h"
#include "unit.h"

static inline int routes_try(struct router *router, const char *pattern, uint32_t methods,
    const char *const *others, const char **clash)
{
	void *value = NULL;
	int rc = router_add(router, pattern, methods, others, (void *)(uintptr_t)pattern,
	    &value);

	if (clash != NULL) {
		*clash = value;
	}
	return rc;
}

static inline void routes_add(struct router *router, const char *pattern,
    uint32_t methods)
{
	ck_assert_int_eq(routes_try(router, pattern, methods, NULL, NULL), 0);
}

static inline struct router_match routes_match(const struct router *router,
    const char *path, const char *method)
{
	struct router_match match;
	struct slice name = slice_of(method);

	router_match(router, slice_of(path), http_method_of(name), name, &match);
	return match;
}

static inline void routes_assert(const struct router *router, const char *path,
    const char *pattern)
{
	struct router_match match = routes_match(router, path, "GET");

	if (pattern == NULL) {
		ck_assert_msg(match.value == NULL, "%s went to %s", path, match.pattern);
		ck_assert_uint_eq(match.methods, 0);
	} else {
		ck_assert_msg(match.value != NULL, "%s went nowhere", path);
		ck_assert_str_eq(match.value, pattern);
		ck_assert_str_eq(match.pattern, pattern);
	}
}

#endif
