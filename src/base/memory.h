/* SPDX-License-Identifier: MIT */
/*
 * Allocation that cannot fail, for boot and reload: out of memory there ends the
 * process with a message. Code that serves connections uses arena.h and buffer.h,
 * which report ERR_NOMEM instead. What these return is freed with free().
 */
#ifndef TINCAN_BASE_MEMORY_H
#define TINCAN_BASE_MEMORY_H

#include <stdarg.h>
#include <stddef.h>

#include "base/error.h"

/* Zeroed memory for count items of size bytes. */
void *memory_new(size_t count, size_t size);

/* Like realloc to count items of size bytes; new bytes are not cleared. */
void *memory_grow(void *old, size_t count, size_t size);

/* Says so and ends the process: for callers whose own allocation has failed. */
_Noreturn void memory_exhausted(void);

/* A copy of text, of the first size bytes of data (NUL added), of a format's result.
 * optional: of a text that may be NULL, and then is. */
char *memory_text(const char *text);
char *memory_optional(const char *text);
char *memory_copy(const char *data, size_t size);
char *memory_printf(const char *format, ...) PRINTF(1, 2);
char *memory_vprintf(const char *format, va_list ap);

/* A new text: the folder that a path is in; "." of a bare name. */
char *memory_folder(const char *path);

/* Frees a list of texts that a NULL ends, and the texts. NULL: nothing. */
void memory_free_texts(char **texts);

#endif
