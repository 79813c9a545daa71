/* SPDX-License-Identifier: MIT */
/* What the readers of cases as data have in common: texts with escapes and repetitions
 * (tests/http1/README.md). A mistake in the data ends the program. */
#ifndef TINCAN_TESTS_CASE_TEXT_H
#define TINCAN_TESTS_CASE_TEXT_H

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "http/chars.h"

/* Where in the data the reader is, for messages. */
struct case_place {
	const char *file;
	int line;
};

static inline void case_expect(const struct case_place *place, bool holds,
    const char *what)
{
	if (!holds) {
		fprintf(stderr, "%s:%d: %s\n", place->file, place->line, what);
		exit(1);
	}
}

/* One byte, or an escape; moves *at behind it. */
static inline char case_byte(const struct case_place *place, const char **at)
{
	static const char escapes[][2] = { "r\r", "n\n", "t\t", "\\\\" };
	const char *p = *at;

	*at = p + 1;
	if (*p != '\\') {
		return *p;
	}
	if (p[1] == 'x') {
		case_expect(place, char_is(p[2], CHAR_HEX) && char_is(p[3], CHAR_HEX),
		    "bad \\xHH");
		*at = p + 4;
		return (char)(char_hex_value(p[2]) * 16 + char_hex_value(p[3]));
	}
	*at = p + 2;
	for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
		if (escapes[i][0] == p[1]) {
			return escapes[i][1];
		}
	}
	case_expect(place, false, "unknown escape");
	return 0;
}

/* Appends text, its escapes and {text*count} resolved, up to stop. Returns its end. */
static inline const char *case_append(const struct case_place *place, struct buffer *out,
    const char *text, char stop)
{
	while (*text != stop && *text != '\0') {
		char byte;

		if (*text == '{') {
			size_t start = out->size;
			struct buffer once;
			long count;

			text = case_append(place, out, text + 1, '*');
			buffer_init(&once, 1 << 20);
			count = *text == '*' ? strtol(text + 1, (char **)&text, 10) : 0;
			case_expect(place, count > 0 && *text == '}', "bad {text*count}");
			case_expect(place, buffer_append(&once, out->data + start,
			    out->size - start) == 0, "too long");
			while (--count > 0) {
				case_expect(place,
				    buffer_append(out, once.data, once.size) == 0,
				    "too long");
			}
			buffer_release(&once);
			text++;
			continue;
		}
		byte = case_byte(place, &text);
		case_expect(place, buffer_append(out, &byte, 1) == 0, "too long");
	}
	return text;
}

/* Calls take with every line of a file, which is "key: value"; comments and empty ones
 * are left out. */
static inline void case_read_lines(struct case_place *place, FILE *file,
    void (*take)(void *cases, const char *key, const char *value), void *cases)
{
	char *line = NULL;
	size_t capacity = 0;

	for (place->line = 1; getline(&line, &capacity, file) >= 0; place->line++) {
		char *value;

		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '#' || line[0] == '\0') {
			continue;
		}
		value = strchr(line, ':');
		case_expect(place, value != NULL, "not 'key: value'");
		*value++ = '\0';
		take(cases, line, *value == ' ' ? value + 1 : value);
	}
	free(line);
}

/* The same for every file in that folder of tests, below $srcdir or here. */
static inline void case_read(struct case_place *place, const char *folder,
    void (*take)(void *cases, const char *key, const char *value), void *cases)
{
	const char *srcdir = getenv("srcdir");
	char pattern[4096];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/tests/%s/*.txt",
	    srcdir == NULL ? "." : srcdir, folder);
	place->file = pattern;
	case_expect(place, glob(pattern, 0, NULL, &found) == 0, "no cases found");
	for (size_t i = 0; i < found.gl_pathc; i++) {
		FILE *file = fopen(found.gl_pathv[i], "r");

		place->file = found.gl_pathv[i];
		case_expect(place, file != NULL, "cannot be read");
		case_read_lines(place, file, take, cases);
		fclose(file);
	}
	globfree(&found);
}

#endif
