/* SPDX-License-Identifier: MIT */
/* Memory that is freed all at once. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_ALIGN 16
#define ARENA_CHUNK 4096	/* bytes of an ordinary chunk, its head included */

struct arena_chunk {
	struct arena_chunk *next;
	size_t size;
};

_Static_assert(sizeof(struct arena_chunk) == ARENA_ALIGN, "chunk data must stay aligned");

void arena_init(struct arena *arena, size_t max)
{
	*arena = (struct arena){ .max = max };
}

static void free_chunks(struct arena_chunk *chunk)
{
	while (chunk != NULL) {
		struct arena_chunk *next = chunk->next;

		free(chunk);
		chunk = next;
	}
}

void arena_release(struct arena *arena)
{
	free_chunks(arena->chunks);
	arena_init(arena, arena->max);
}

void arena_reset(struct arena *arena)
{
	struct arena_chunk *chunk = arena->chunks;

	if (chunk == NULL || chunk->size != ARENA_CHUNK) {
		arena_release(arena);
		return;
	}
	free_chunks(chunk->next);
	chunk->next = NULL;
	arena->next = (char *)(chunk + 1);
	arena->end = (char *)chunk + chunk->size;
	arena->used = 0;
}

static int add_chunk(struct arena *arena, size_t size)
{
	size_t total = sizeof(struct arena_chunk) + size;
	struct arena_chunk *chunk;

	if (total < size) {
		return ERR_NOMEM;
	}
	if (total < ARENA_CHUNK) {
		total = ARENA_CHUNK;
	}
	chunk = malloc(total);
	if (chunk == NULL) {
		return ERR_NOMEM;
	}
	chunk->next = arena->chunks;
	chunk->size = total;
	arena->chunks = chunk;
	arena->next = (char *)(chunk + 1);
	arena->end = (char *)chunk + total;
	return 0;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	size_t rounded = (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
	void *memory;

	if (rounded < size || rounded > arena->max ||
	    arena->used > arena->max - rounded) {
		return NULL;
	}
	if (arena->chunks == NULL || rounded > (size_t)(arena->end - arena->next)) {
		if (add_chunk(arena, rounded) != 0) {
			return NULL;
		}
	}
	memory = arena->next;
	arena->next += rounded;
	arena->used += rounded;
	return memory;
}

char *arena_copy(struct arena *arena, const void *data, size_t size)
{
	char *copy = size == SIZE_MAX ? NULL : arena_alloc(arena, size + 1);

	if (copy != NULL) {
		if (size > 0) {
			memcpy(copy, data, size);
		}
		copy[size] = '\0';
	}
	return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list ap;
	va_list again;
	char *text = NULL;
	int size;

	va_start(ap, format);
	va_copy(again, ap);
	size = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	if (size >= 0) {
		text = arena_alloc(arena, (size_t)size + 1);
	}
	if (text != NULL) {
		vsnprintf(text, (size_t)size + 1, format, again);
	}
	va_end(again);
	return text;
}
