/* SPDX-License-Identifier: MIT */
/* Small work on text: guesses for messages, escapes. */
#include "base/text.h"

#include <endian.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

#define NEAREST_MAX 63	/* bytes of a word worth guessing about */
#define PREFIX_MIN 3	/* bytes of a beginning that says something */
#define NOT_NEAR (NEAREST_MAX + 1)

/* A copy in lower case, or false if word is too long. */
static bool lower_copy(char *lower, const char *word)
{
	size_t size = strnlen(word, NEAREST_MAX + 1);

	if (size > NEAREST_MAX) {
		return false;
	}
	for (size_t i = 0; i <= size; i++) {
		bool upper = word[i] >= 'A' && word[i] <= 'Z';

		lower[i] = upper ? (char)(word[i] | 0x20) : word[i];
	}
	return true;
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/*
 * The Damerau-Levenshtein distance (no letter edited twice): how many letters must be
 * put in, taken out, changed or swapped with their neighbour to make b of a. Rows of
 * the usual matrix go round in three: this one, the last and the one before.
 */
static unsigned edit_distance(const char *a, const char *b)
{
	unsigned rows[3][NEAREST_MAX + 1];
	size_t width = strlen(b);
	size_t i;

	for (size_t j = 0; j <= width; j++) {
		rows[0][j] = (unsigned)j;
	}
	for (i = 1; a[i - 1] != '\0'; i++) {
		unsigned *row = rows[i % 3];
		const unsigned *last = rows[(i + 2) % 3];
		const unsigned *before = rows[(i + 1) % 3];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= width; j++) {
			row[j] = least(last[j] + 1, row[j - 1] + 1,
			    last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && before[j - 2] + 1 < row[j]) {
				row[j] = before[j - 2] + 1;
			}
		}
	}
	return rows[(i - 1) % 3][width];
}

/* How far b is from being meant by a: 0 is the same, NOT_NEAR is too far. */
static unsigned word_distance(const char *a, const char *b)
{
	size_t size_a = strlen(a);
	size_t size_b = strlen(b);
	size_t longer = size_a > size_b ? size_a : size_b;
	size_t shorter = size_a > size_b ? size_b : size_a;
	unsigned distance = edit_distance(a, b);

	if (distance <= longer / 3) {
		return distance;
	}
	if (shorter >= PREFIX_MIN && strncmp(a, b, shorter) == 0) {
		return NEAREST_MAX;
	}
	return NOT_NEAR;
}

const char *text_nearest(const char *word, const char *const *words, size_t count)
{
	char wanted[NEAREST_MAX + 1];
	char known[NEAREST_MAX + 1];
	const char *nearest = NULL;
	unsigned nearest_distance = NOT_NEAR;

	if (!lower_copy(wanted, word)) {
		return NULL;
	}
	for (size_t i = 0; i < count; i++) {
		unsigned distance;

		if (!lower_copy(known, words[i])) {
			continue;
		}
		distance = word_distance(wanted, known);
		if (distance < nearest_distance) {
			nearest = words[i];
			nearest_distance = distance;
		}
	}
	return nearest;
}

/* Bytes of the UTF-8 character at the front, 0 if it is none. */
static size_t utf8_size(struct slice text)
{
	struct utf8 state = { 0 };

	for (size_t i = 0; i < text.size; i++) {
		if (!utf8_feed(&state, (struct slice){ text.data + i, 1 })) {
			return 0;
		}
		if (utf8_complete(&state)) {
			return i + 1;
		}
	}
	return 0;
}

/* May the byte stand in a JSON string and on a terminal as it is? */
static bool is_plain(char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* Appends the escape of the character at the front, which is not plain. */
static int append_json_escape(struct buffer *out, struct slice text, size_t *size)
{
	static const char short_forms[][3] = {
		['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n", ['\f'] = "\\f",
		['\r'] = "\\r", ['"'] = "\\\"", ['\\'] = "\\\\",
	};
	unsigned char byte = (unsigned char)text.data[0];
	char escape[7];

	*size = utf8_size(text);
	if (*size == 0) {
		*size = 1;
		return buffer_append(out, "\xef\xbf\xbd", 3);
	}
	if (byte < sizeof(short_forms) / sizeof(short_forms[0]) &&
	    short_forms[byte][0] != '\0') {
		return buffer_append(out, short_forms[byte], 2);
	}
	/* U+0080 to U+009F (0xc2 0x80 ..) are control characters, too. */
	if (*size == 1 || (byte == 0xc2 && (unsigned char)text.data[1] < 0xa0)) {
		snprintf(escape, sizeof(escape), "\\u%04x",
		    *size == 1 ? byte : (unsigned char)text.data[1]);
		return buffer_append(out, escape, 6);
	}
	return buffer_append(out, text.data, *size);
}

int text_append_json(struct buffer *out, struct slice text)
{
	size_t before = out->size;
	int rc = 0;

	while (text.size > 0 && rc == 0) {
		size_t size = 0;

		while (size < text.size && is_plain(text.data[size])) {
			size++;
		}
		if (size > 0) {
			rc = buffer_append(out, text.data, size);
		} else {
			rc = append_json_escape(out, text, &size);
		}
		slice_skip(&text, size);
	}
	if (rc != 0) {
		out->size = before;
	}
	return rc;
}

int text_append_printable(struct buffer *out, struct slice text)
{
	size_t before = out->size;
	int rc = 0;

	for (size_t i = 0; i < text.size && rc == 0; i++) {
		unsigned char byte = (unsigned char)text.data[i];

		if (byte >= 0x20 && byte < 0x7f) {
			rc = buffer_append(out, &text.data[i], 1);
		} else {
			rc = buffer_printf(out, "\\x%02x", byte);
		}
	}
	if (rc != 0) {
		out->size = before;
	}
	return rc;
}

/* All 8 digits at once, one in each byte: every request has three such numbers. */
static uint64_t hex_digits(uint32_t number)
{
	uint64_t x = number;
	uint64_t letters;

	x = (x << 16 | x) & UINT64_C(0x0000ffff0000ffff);
	x = (x << 8 | x) & UINT64_C(0x00ff00ff00ff00ff);
	x = (x << 4 | x) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	letters = (x + UINT64_C(0x0606060606060606)) >> 4 & UINT64_C(0x0101010101010101);
	return htobe64(x + UINT64_C(0x3030303030303030) + letters * ('a' - '9' - 1));
}

void text_put_hex(char out[16], uint64_t number)
{
	uint64_t high = hex_digits((uint32_t)(number >> 32));
	uint64_t low = hex_digits((uint32_t)number);

	memcpy(out, &high, sizeof(high));
	memcpy(out + 8, &low, sizeof(low));
}

bool text_same(const char *left, const char *right)
{
	return left == NULL || right == NULL ? left == right : strcmp(left, right) == 0;
}
