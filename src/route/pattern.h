/* SPDX-License-Identifier: MIT */
/*
 * A route's pattern as text: segments, each behind a "/", as in "/files/{name}/x".
 * Patterns are compared with the decoded path, so they have no escapes.
 */
#ifndef TINCAN_ROUTE_PATTERN_H
#define TINCAN_ROUTE_PATTERN_H

#include <stdbool.h>

#include "base/error.h"
#include "base/slice.h"

/* In the order of matching: the more specific first. */
enum segment_kind { SEGMENT_LITERAL, SEGMENT_NAME, SEGMENT_REST };

/* See router_check. */
int pattern_check(const char *pattern, const char **what) MUST_USE;

/* Takes the next segment, and the "/" in front of it, off rest; false at the end. */
bool pattern_next(struct slice *rest, struct slice *segment);

enum segment_kind pattern_kind(struct slice segment);

/* The name inside a segment of the kind SEGMENT_NAME. */
struct slice pattern_name(struct slice segment);

/* Order of matching, literals by their bytes; names do not count. 0: equal. */
int pattern_compare(const char *a, const char *b);

#endif
