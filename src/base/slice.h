/* SPDX-License-Identifier: MIT */
/* Bytes that somebody else owns. Not NUL-terminated unless the giver says so. */
#ifndef TINCAN_BASE_SLICE_H
#define TINCAN_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct slice {
	const char *data;
	size_t size;
};

/* A literal as a slice, without a strlen. */
#define SLICE(literal) ((struct slice){ "" literal, sizeof(literal) - 1 })

static inline struct slice slice_of(const char *text)
{
	return (struct slice){ text, strlen(text) };
}

static inline bool slice_equal(struct slice a, struct slice b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* ASCII case does not count. */
static inline bool slice_equal_nocase(struct slice a, struct slice b)
{
	return a.size == b.size && strncasecmp(a.data, b.data, a.size) == 0;
}

/* Takes size bytes off the front; size must not pass the slice's own. */
static inline void slice_skip(struct slice *slice, size_t size)
{
	slice->data += size;
	slice->size -= size;
}

#endif
