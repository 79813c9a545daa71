/* SPDX-License-Identifier: MIT */
/*
 * Memory that is freed all at once: a request's. Allocation is a pointer's step;
 * nothing is freed singly. Everything is 16-aligned and not cleared.
 */
#ifndef TINCAN_BASE_ARENA_H
#define TINCAN_BASE_ARENA_H

#include <stddef.h>

#include "base/error.h"

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks;	/* owned; the newest first */
	char *next;			/* free space of the newest chunk */
	char *end;
	size_t used;			/* bytes given out */
	size_t max;			/* bytes that may be given out */
};

void arena_init(struct arena *arena, size_t max);

/* Frees everything. The arena can be used again. */
void arena_release(struct arena *arena);

/* Forgets everything but keeps one chunk, so that reuse costs no malloc. */
void arena_reset(struct arena *arena);

/* size bytes, or NULL past max or when out of memory. */
void *arena_alloc(struct arena *arena, size_t size) MUST_USE;

/* A copy of size bytes with a NUL behind them, or NULL. */
char *arena_copy(struct arena *arena, const void *data, size_t size) MUST_USE;

/* printf into the arena, or NULL. */
char *arena_printf(struct arena *arena, const char *format, ...) PRINTF(2, 3) MUST_USE;

#endif
