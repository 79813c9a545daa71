/* SPDX-License-Identifier: MIT */
/*
 * A growing byte buffer with a maximum given at birth, so that none is unbounded.
 * Bytes are appended at the end and consumed at the front; what is held is
 * data[start .. start + size).
 */
#ifndef TINCAN_BASE_BUFFER_H
#define TINCAN_BASE_BUFFER_H

#include <stddef.h>

#include "base/error.h"
#include "base/slice.h"
#include "base/tally.h"

struct buffer {
	char *data;		/* owned; NULL until first needed */
	size_t start;
	size_t size;
	size_t capacity;
	size_t max;
	struct tally *tally;	/* borrowed; counts the capacity; NULL: nobody does */
};

void buffer_init(struct buffer *buffer, size_t max);

/* Its memory counts there from now on, and no longer where it did. */
void buffer_count(struct buffer *buffer, struct tally *tally);

/* Drops contents and memory; the buffer can be used again. */
void buffer_release(struct buffer *buffer);

/* Drops contents, keeps memory. */
void buffer_reset(struct buffer *buffer);

/* Room for size more bytes; *space (borrowed until the next call) is where they go.
 * ERR_LIMIT past max, ERR_NOMEM; then nothing has changed. */
int buffer_reserve(struct buffer *buffer, size_t size, char **space) MUST_USE;

/* Counts size bytes, written into the reserved space, as held. */
void buffer_commit(struct buffer *buffer, size_t size);

/* Appends all or, with ERR_LIMIT or ERR_NOMEM, nothing. */
int buffer_append(struct buffer *buffer, const void *data, size_t size) MUST_USE;
int buffer_printf(struct buffer *buffer, const char *format, ...) PRINTF(2, 3) MUST_USE;

/* Puts a NUL behind what is held, without counting it, so that it can be read as text.
 * ERR_LIMIT without a byte of room left; ERR_NOMEM. */
int buffer_terminate(struct buffer *buffer) MUST_USE;

/* Takes size bytes off the front; size must not pass what is held. */
void buffer_consume(struct buffer *buffer, size_t size);

/* What is held; borrowed until the next change. */
static inline struct slice buffer_slice(const struct buffer *buffer)
{
	return (struct slice){ buffer->data == NULL ? "" : buffer->data + buffer->start,
		buffer->size };
}

#endif
