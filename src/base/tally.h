/* SPDX-License-Identifier: MIT */
/*
 * How much memory is held in all by those who share a tally: one of a connection, part of
 * its worker's. Buffers and the like count what they allocate, not each byte that
 * they are given, so that what fits into memory they have costs nothing. Not thread-safe.
 */
#ifndef TINCAN_BASE_TALLY_H
#define TINCAN_BASE_TALLY_H

#include <stddef.h>

struct tally {
	size_t bytes;
	struct tally *of;	/* that it is part of; borrowed, or NULL */
};

/* NULL: nobody counts. */
static inline void tally_add(struct tally *tally, size_t bytes)
{
	for (; tally != NULL; tally = tally->of) {
		tally->bytes += bytes;
	}
}

static inline void tally_take(struct tally *tally, size_t bytes)
{
	for (; tally != NULL; tally = tally->of) {
		tally->bytes -= bytes;
	}
}

#endif
