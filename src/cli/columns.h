/* SPDX-License-Identifier: MIT */
/* Tables for people: each column as wide as its widest cell. Texts are made fit for a
 * terminal. Boot only. */
#ifndef TINCAN_CLI_COLUMNS_H
#define TINCAN_CLI_COLUMNS_H

#include <stddef.h>
#include <stdio.h>

#include "base/error.h"

#define COLUMNS_MAX 12

struct columns_row;

struct columns {
	const char *const *heads;	/* borrowed; NULL-ended */
	size_t width;			/* columns of a row */
	struct columns_row *rows;	/* owned */
	size_t count;
	size_t cell;			/* the next one of the last row */
};

/* A head that begins with '>' is that of a column of numbers: to the right. */
void columns_init(struct columns *columns, const char *const *heads);
void columns_release(struct columns *columns);

/* The next cell, from left to right, row by row; "" is shown as "-". */
void columns_add(struct columns *columns, const char *format, ...) PRINTF(2, 3);

/* A line of its own below the row that has just been filled. */
void columns_note(struct columns *columns, const char *text);

void columns_print(const struct columns *columns, FILE *out);

#endif
