/* SPDX-License-Identifier: MIT */
/* A growing byte buffer with a maximum. */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_FIRST 256	/* bytes of the smallest allocation */

void buffer_init(struct buffer *buffer, size_t max)
{
	*buffer = (struct buffer){ .max = max };
}

void buffer_release(struct buffer *buffer)
{
	free(buffer->data);
	tally_take(buffer->tally, buffer->capacity);
	*buffer = (struct buffer){ .max = buffer->max, .tally = buffer->tally };
}

void buffer_count(struct buffer *buffer, struct tally *tally)
{
	tally_take(buffer->tally, buffer->capacity);
	tally_add(tally, buffer->capacity);
	buffer->tally = tally;
}

void buffer_reset(struct buffer *buffer)
{
	buffer->start = 0;
	buffer->size = 0;
}

/* Doubles, so that appending n bytes costs O(n), but never past max. */
static size_t grown_capacity(const struct buffer *buffer, size_t needed)
{
	size_t capacity = buffer->capacity == 0 ? BUFFER_FIRST : buffer->capacity;

	while (capacity < needed) {
		capacity *= 2;
	}
	return capacity > buffer->max ? buffer->max : capacity;
}

static int grow(struct buffer *buffer, size_t needed)
{
	size_t capacity = grown_capacity(buffer, needed);
	char *data = realloc(buffer->data, capacity);

	if (data == NULL) {
		return ERR_NOMEM;
	}
	tally_add(buffer->tally, capacity - buffer->capacity);
	buffer->data = data;
	buffer->capacity = capacity;
	return 0;
}

int buffer_reserve(struct buffer *buffer, size_t size, char **space)
{
	if (size > buffer->max || buffer->size > buffer->max - size) {
		return ERR_LIMIT;
	}
	if (buffer->start > 0 && buffer->start + buffer->size + size > buffer->capacity) {
		memmove(buffer->data, buffer->data + buffer->start, buffer->size);
		buffer->start = 0;
	}
	if (buffer->data == NULL || buffer->size + size > buffer->capacity) {
		int rc = grow(buffer, buffer->size + size);

		if (rc != 0) {
			return rc;
		}
	}
	*space = buffer->data + buffer->start + buffer->size;
	return 0;
}

void buffer_commit(struct buffer *buffer, size_t size)
{
	buffer->size += size;
}

int buffer_append(struct buffer *buffer, const void *data, size_t size)
{
	char *space;
	int rc = buffer_reserve(buffer, size, &space);

	if (rc != 0) {
		return rc;
	}
	if (size > 0) {
		memcpy(space, data, size);
	}
	buffer_commit(buffer, size);
	return 0;
}

int buffer_printf(struct buffer *buffer, const char *format, ...)
{
	va_list ap;
	va_list again;
	char *space;
	int needed;
	int rc;

	va_start(ap, format);
	va_copy(again, ap);
	needed = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	/* One byte more for the NUL that vsnprintf insists on. */
	rc = needed < 0 ? ERR_INVALID :
	    buffer_reserve(buffer, (size_t)needed + 1, &space);
	if (rc == 0) {
		vsnprintf(space, (size_t)needed + 1, format, again);
		buffer_commit(buffer, (size_t)needed);
	}
	va_end(again);
	return rc;
}

int buffer_terminate(struct buffer *buffer)
{
	char *end;
	int rc = buffer_reserve(buffer, 1, &end);

	if (rc == 0) {
		*end = '\0';
	}
	return rc;
}

void buffer_consume(struct buffer *buffer, size_t size)
{
	buffer->start += size;
	buffer->size -= size;
	if (buffer->size == 0) {
		buffer->start = 0;
	}
}
