/* SPDX-License-Identifier: MIT */
/* Small work on text: guesses for messages, JSON escapes. */
#ifndef TINCAN_BASE_TEXT_H
#define TINCAN_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

/*
 * The one of count words that was most likely meant by word, or NULL if none is near.
 * Case does not count; one letter in three may differ (insertions, swaps included).
 * Where none is that near, one that begins like word, or word like it, will do.
 */
const char *text_nearest(const char *word, const char *const *words, size_t count);

/*
 * Appends text as the inside of a JSON string, quotes not included. Control
 * characters are escaped; bytes that are not UTF-8 become U+FFFD, so that the
 * result is always valid JSON. ERR_LIMIT or ERR_NOMEM: nothing was appended.
 */
int text_append_json(struct buffer *out, struct slice text) MUST_USE;

/* Appends text for a terminal: control characters and bytes >= 0x7f become \xNN. */
int text_append_printable(struct buffer *out, struct slice text) MUST_USE;

/* Are they the same text, or both NULL? */
bool text_same(const char *left, const char *right);

/* The number as 16 hexadecimal digits, without a NUL. */
void text_put_hex(char out[16], uint64_t number);

#endif
