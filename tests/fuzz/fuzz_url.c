/* SPDX-License-Identifier: MIT */
/*
 * Targets, paths and authorities: whatever the input, a decoded path starts at the root,
 * has no dot segment and no NUL, and the parts of a target lie within it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds) {
		abort();
	}
}

static bool is_dots(const char *segment, size_t size)
{
	return (size == 1 || size == 2) && memcmp(segment, "..", size) == 0;
}

static void check_segments(struct slice path)
{
	const char *segment = path.data + 1;

	for (;;) {
		size_t size = strcspn(segment, "/");

		check(!is_dots(segment, size));
		if (segment[size] == '\0') {
			return;
		}
		segment += size + 1;
	}
}

static void try_path(struct slice raw)
{
	struct arena arena;
	struct slice path;

	arena_init(&arena, 1 << 20);
	if (url_decode_path(raw, &arena, &path) == 0) {
		check(path.size > 0 && path.size <= raw.size && path.data[0] == '/');
		check(strlen(path.data) == path.size);
		check_segments(path);
	}
	arena_release(&arena);
}

static void check_within(struct slice part, struct slice whole)
{
	check(part.size == 0 || (part.data >= whole.data &&
	    part.data + part.size <= whole.data + whole.size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice input = { (const char *)data, size };
	struct url_target parts;

	if (url_split_target(input, &parts) == 0) {
		check_within(parts.authority, input);
		check_within(parts.path, input);
		check_within(parts.query, input);
		check(parts.absolute == (parts.authority.size > 0));
		check(!parts.absolute || url_authority_valid(parts.authority));
		try_path(parts.path);
	}
	url_authority_valid(input);
	try_path(input);
	return 0;
}
