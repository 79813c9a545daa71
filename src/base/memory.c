/* SPDX-License-Identifier: MIT */
/* Allocation that cannot fail, for boot and reload. */
#include "base/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void memory_exhausted(void)
{
	fputs("tincan: out of memory\n", stderr);
	abort();
}

static void *checked(void *memory)
{
	if (memory == NULL) {
		memory_exhausted();
	}
	return memory;
}

void *memory_new(size_t count, size_t size)
{
	return checked(calloc(count == 0 ? 1 : count, size));
}

void *memory_grow(void *old, size_t count, size_t size)
{
	return checked(reallocarray(old, count == 0 ? 1 : count, size));
}

char *memory_text(const char *text)
{
	return checked(strdup(text));
}

char *memory_optional(const char *text)
{
	return text == NULL ? NULL : memory_text(text);
}

char *memory_copy(const char *data, size_t size)
{
	char *copy = memory_new(size + 1, 1);

	memcpy(copy, data, size);
	return copy;
}

char *memory_folder(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL) {
		return memory_text(".");
	}
	return memory_copy(path, slash == path ? 1 : (size_t)(slash - path));
}

char *memory_printf(const char *format, ...)
{
	va_list ap;
	char *text;

	va_start(ap, format);
	text = memory_vprintf(format, ap);
	va_end(ap);
	return text;
}

char *memory_vprintf(const char *format, va_list ap)
{
	char *text = NULL;

	if (vasprintf(&text, format, ap) < 0) {
		text = NULL;
	}
	return checked(text);
}

void memory_free_texts(char **texts)
{
	for (char **text = texts; text != NULL && *text != NULL; text++) {
		free(*text);
	}
	free(texts);
}
