/* SPDX-License-Identifier: MIT */
/* Tables for people. */
#include "cli/columns.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

#define GAP "  "

struct columns_row {
	char *cells[COLUMNS_MAX];	/* owned */
	char *note;			/* owned; NULL: none */
};

/* text as a terminal may see it, owned by the caller. */
static char *printable(const char *text)
{
	size_t size = strlen(text);
	struct buffer buffer;
	char *result = NULL;

	buffer_init(&buffer, 4 * size + 1);	/* each byte as \xNN */
	if (text_append_printable(&buffer, slice_of(text)) == 0) {
		struct slice all = buffer_slice(&buffer);

		result = memory_copy(all.data, all.size);
	}
	buffer_release(&buffer);
	return result == NULL ? memory_text("?") : result;
}

void columns_init(struct columns *columns, const char *const *heads)
{
	*columns = (struct columns){ .heads = heads };
	while (heads[columns->width] != NULL && columns->width < COLUMNS_MAX) {
		columns->width++;
	}
}

void columns_release(struct columns *columns)
{
	for (size_t i = 0; i < columns->count; i++) {
		for (size_t j = 0; j < columns->width; j++) {
			free(columns->rows[i].cells[j]);
		}
		free(columns->rows[i].note);
	}
	free(columns->rows);
}

void columns_add(struct columns *columns, const char *format, ...)
{
	struct columns_row *row;
	va_list ap;
	char *text;

	va_start(ap, format);
	text = memory_vprintf(format, ap);
	va_end(ap);
	if (columns->cell == columns->width || columns->count == 0) {
		columns->rows = memory_grow(columns->rows, columns->count + 1,
		    sizeof(*columns->rows));
		columns->rows[columns->count++] = (struct columns_row){ .note = NULL };
		columns->cell = 0;
	}
	row = &columns->rows[columns->count - 1];
	row->cells[columns->cell++] = printable(text[0] == '\0' ? "-" : text);
	free(text);
}

void columns_note(struct columns *columns, const char *text)
{
	struct columns_row *row = &columns->rows[columns->count - 1];

	free(row->note);
	row->note = printable(text);
}

static bool is_right(const char *head)
{
	return head[0] == '>';
}

static size_t width_of(const struct columns *columns, size_t column)
{
	const char *head = columns->heads[column];
	size_t widest = strlen(head) - is_right(head);

	for (size_t i = 0; i < columns->count; i++) {
		const char *cell = columns->rows[i].cells[column];
		size_t size = cell == NULL ? 0 : strlen(cell);

		widest = size > widest ? size : widest;
	}
	return widest;
}

static void print_cell(const char *cell, int width, bool right, bool last, FILE *out)
{
	if (right) {
		fprintf(out, "%*s", width, cell);
	} else if (last) {
		fputs(cell, out);
	} else {
		fprintf(out, "%-*s", width, cell);
	}
	fputs(last ? "\n" : GAP, out);
}

static void print_row(const struct columns *columns, const struct columns_row *row,
    const int *widths, FILE *out)
{
	for (size_t i = 0; i < columns->width; i++) {
		const char *head = columns->heads[i];
		const char *cell = row == NULL ? head + is_right(head) : row->cells[i];

		print_cell(cell == NULL ? "" : cell, widths[i], is_right(head),
		    i + 1 == columns->width, out);
	}
	if (row != NULL && row->note != NULL) {
		fprintf(out, GAP "%s\n", row->note);
	}
}

void columns_print(const struct columns *columns, FILE *out)
{
	int widths[COLUMNS_MAX];

	for (size_t i = 0; i < columns->width; i++) {
		widths[i] = (int)width_of(columns, i);
	}
	print_row(columns, NULL, widths, out);
	for (size_t i = 0; i < columns->count; i++) {
		print_row(columns, &columns->rows[i], widths, out);
	}
}
