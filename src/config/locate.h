/* SPDX-License-Identifier: MIT */
/* Where each value of a JSON text stands: jansson's tree does not keep it. */
#ifndef TINCAN_CONFIG_LOCATE_H
#define TINCAN_CONFIG_LOCATE_H

#include <stddef.h>
#include <stdint.h>

struct place {
	uint32_t line;		/* from 1; of a member, its key's */
	uint32_t start;		/* of the value in the text */
	uint32_t size;
	uint32_t next;		/* the place behind this value and all inside it */
};

/*
 * The places of all values, in document order: the whole first, then its first child,
 * that one's first child, and so on. The text must be valid JSON of at most 4 GiB that
 * nests no deeper than jansson allows.
 *
 * @return an array, owned by the caller.
 */
struct place *locate_values(const char *text, size_t size);

#endif
