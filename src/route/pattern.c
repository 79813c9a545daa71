/* SPDX-License-Identifier: MIT */
/* A route's pattern as text: its rules, its segments, its order. */
#include "route/pattern.h"

#include "route/router.h"

bool pattern_next(struct slice *rest, struct slice *segment)
{
	const char *end;

	if (rest->size == 0) {
		return false;
	}
	slice_skip(rest, 1);
	end = memchr(rest->data, '/', rest->size);
	*segment = *rest;
	if (end != NULL) {
		segment->size = (size_t)(end - rest->data);
	}
	slice_skip(rest, segment->size);
	return true;
}

enum segment_kind pattern_kind(struct slice segment)
{
	if (segment.size > 0 && segment.data[0] == '{') {
		return SEGMENT_NAME;
	}
	return slice_equal(segment, SLICE("*")) ? SEGMENT_REST : SEGMENT_LITERAL;
}

struct slice pattern_name(struct slice segment)
{
	return (struct slice){ segment.data + 1, segment.size - 2 };
}

static bool holds(struct slice segment, char c)
{
	return memchr(segment.data, c, segment.size) != NULL;
}

static bool is_name(struct slice name)
{
	for (size_t i = 0; i < name.size; i++) {
		char c = name.data[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || c == '_' || c == '-')) {
			return false;
		}
	}
	return true;
}

/* What is wrong with the characters, wherever they stand; NULL if nothing is. */
static const char *check_characters(const char *pattern)
{
	if (pattern[0] != '/') {
		return "must start with '/'";
	}
	for (; *pattern != '\0'; pattern++) {
		if (*pattern == '%') {
			return "must not hold '%': it is compared with the decoded path";
		}
		if (*pattern == '?' || *pattern == '#') {
			return "must not hold '?' or '#': only the path is compared";
		}
		if ((unsigned char)*pattern < 0x20 || *pattern == 0x7f) {
			return "must not hold control characters";
		}
	}
	return NULL;
}

static const char *check_name(struct slice segment)
{
	if (segment.data[0] != '{' || segment.data[segment.size - 1] != '}' ||
	    segment.size < 2) {
		return "may hold '{' and '}' only around a whole segment";
	}
	if (segment.size == 2) {
		return "has an empty name: '{}'";
	}
	if (!is_name(pattern_name(segment))) {
		return "has a name with other than letters, digits, '_' and '-'";
	}
	return NULL;
}

static const char *check_segment(struct slice segment, bool last)
{
	if (segment.size == 0) {
		return last ? NULL : "has an empty segment: '//'";
	}
	if (slice_equal(segment, SLICE(".")) || slice_equal(segment, SLICE(".."))) {
		return "has a segment '.' or '..', which no request's path has";
	}
	if (holds(segment, '*') && !(last && segment.size == 1)) {
		return "may hold '*' only as the whole last segment";
	}
	if (holds(segment, '{') || holds(segment, '}')) {
		return check_name(segment);
	}
	return NULL;
}

static bool has_name(const struct slice *names, size_t count, struct slice name)
{
	for (size_t i = 0; i < count; i++) {
		if (slice_equal(names[i], name)) {
			return true;
		}
	}
	return false;
}

int pattern_check(const char *pattern, const char **what)
{
	struct slice names[ROUTER_MAX_PARAMS];
	size_t count = 0;
	struct slice rest = slice_of(pattern);
	struct slice segment;

	*what = check_characters(pattern);
	while (*what == NULL && pattern_next(&rest, &segment)) {
		*what = check_segment(segment, rest.size == 0);
		if (*what != NULL || pattern_kind(segment) != SEGMENT_NAME) {
			continue;
		}
		if (count == ROUTER_MAX_PARAMS) {
			*what = "has more than 16 names";
		} else if (has_name(names, count, pattern_name(segment))) {
			*what = "has the same name in two segments";
		} else {
			names[count++] = pattern_name(segment);
		}
	}
	return *what == NULL ? 0 : ERR_INVALID;
}

_Static_assert(ROUTER_MAX_PARAMS == 16, "the text of pattern_check says 16");

static int compare_bytes(struct slice a, struct slice b)
{
	size_t shorter = a.size < b.size ? a.size : b.size;
	int order = memcmp(a.data, b.data, shorter);

	return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

int pattern_compare(const char *a, const char *b)
{
	struct slice rest_a = slice_of(a);
	struct slice rest_b = slice_of(b);
	struct slice segment_a;
	struct slice segment_b;

	for (;;) {
		bool more_a = pattern_next(&rest_a, &segment_a);
		bool more_b = pattern_next(&rest_b, &segment_b);
		int order;

		if (!more_a || !more_b) {
			return more_a - more_b;
		}
		order = (int)pattern_kind(segment_a) - (int)pattern_kind(segment_b);
		if (order == 0 && pattern_kind(segment_a) == SEGMENT_LITERAL) {
			order = compare_bytes(segment_a, segment_b);
		}
		if (order != 0) {
			return order;
		}
	}
}
