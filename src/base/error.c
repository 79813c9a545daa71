/* SPDX-License-Identifier: MIT */
/* The list of problems that a check reports in one run. */
#include "base/error.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void problems_init(struct problems *list)
{
	memset(list, 0, sizeof(*list));
}

void problems_release(struct problems *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].where);
		free(list->items[i].what);
		free(list->items[i].hint);
	}
	free(list->items);
	problems_init(list);
}

static struct problem *next_item(struct problems *list, enum problem_level level)
{
	if (list->count == list->capacity) {
		list->capacity = list->capacity == 0 ? 8 : list->capacity * 2;
		list->items = memory_grow(list->items, list->capacity,
		    sizeof(*list->items));
	}
	if (level == PROBLEM_ERROR) {
		list->errors++;
	}
	return &list->items[list->count++];
}

static void append(struct problems *list, enum problem_level level, const char *where,
    const char *hint, const char *format, va_list ap)
{
	struct problem *problem = next_item(list, level);

	problem->level = level;
	problem->where = memory_text(where);
	problem->what = memory_vprintf(format, ap);
	problem->hint = memory_optional(hint);
}

void problems_add(struct problems *list, const char *where, const char *hint,
    const char *what_format, ...)
{
	va_list ap;

	va_start(ap, what_format);
	append(list, PROBLEM_ERROR, where, hint, what_format, ap);
	va_end(ap);
}

void problems_warn(struct problems *list, const char *where, const char *hint,
    const char *what_format, ...)
{
	va_list ap;

	va_start(ap, what_format);
	append(list, PROBLEM_WARNING, where, hint, what_format, ap);
	va_end(ap);
}

void problems_copy(struct problems *list, const struct problems *from)
{
	for (size_t i = 0; i < from->count; i++) {
		const struct problem *problem = &from->items[i];

		(problem->level == PROBLEM_ERROR ? problems_add : problems_warn)(list,
		    problem->where, problem->hint, "%s", problem->what);
	}
}

void problems_move(struct problems *list, struct problems *from)
{
	for (size_t i = 0; i < from->count; i++) {
		*next_item(list, from->items[i].level) = from->items[i];
	}
	free(from->items);
	problems_init(from);
}

void problems_tolerate(struct problems *list)
{
	for (size_t i = 0; i < list->count; i++) {
		list->items[i].level = PROBLEM_WARNING;
	}
	list->errors = 0;
}

void problem_print(const struct problem *problem, FILE *out)
{
	const char *kind = problem->level == PROBLEM_WARNING ? "warning: " : "";

	fprintf(out, "%s: %s%s\n", problem->where, kind, problem->what);
	if (problem->hint != NULL) {
		fprintf(out, "  hint: %s\n", problem->hint);
	}
}

void problems_print(const struct problems *list, FILE *out)
{
	for (size_t i = 0; i < list->count; i++) {
		problem_print(&list->items[i], out);
	}
}
