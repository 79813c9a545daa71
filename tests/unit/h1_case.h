/* SPDX-License-Identifier: MIT */
/* Reads the cases of tests/http1 (its README.md has the format), as far as the reader
 * alone can be held against them. A mistake in the data ends the program. */
#ifndef TINCAN_TESTS_H1_CASE_H
#define TINCAN_TESTS_H1_CASE_H

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/text.h"
#include "case_text.h"

#define H1_CASES_MAX 1000
#define H1_CHECKS_MAX 16

struct h1_check {
	int request;		/* from 0 */
	bool absent;
	char *line;		/* of the trace */
};

struct h1_case {
	char *name;
	bool server_only;
	struct buffer input;
	int replies;		/* final ones, the refusal not counted */
	int refused;		/* status; 0: none */
	bool closed;		/* said by the client, or the refusal */
	struct h1_check checks[H1_CHECKS_MAX];
	int check_count;
};

struct h1_cases {
	struct h1_case items[H1_CASES_MAX];
	int count;
	struct case_place place;
};

static inline char *case_copy(const char *text)
{
	char *copy = strdup(text);

	if (copy == NULL) {
		abort();
	}
	return copy;
}

static inline void case_check(struct h1_cases *cases, struct h1_case *item,
    const char *value, bool absent)
{
	struct h1_check *check = &item->checks[item->check_count];
	struct buffer raw;
	struct buffer line;

	case_expect(&cases->place, item->check_count < H1_CHECKS_MAX, "too many sees");
	case_expect(&cases->place, item->replies > 0, "sees before a reply");
	buffer_init(&raw, 1 << 20);
	buffer_init(&line, 1 << 20);
	case_append(&cases->place, &raw, value, '\0');
	case_expect(&cases->place,
	    text_append_printable(&line, buffer_slice(&raw)) == 0 &&
	    buffer_append(&line, "", 1) == 0, "too long");
	*check = (struct h1_check){ .request = item->replies - 1, .absent = absent,
		.line = case_copy(line.data) };
	item->check_count++;
	buffer_release(&raw);
	buffer_release(&line);
}

/* What only a client of the real server can look at. */
static inline bool case_is_server_key(const char *key)
{
	static const char *const keys[] = { "section", "reader-only", "header",
		"no-header", "body" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strcmp(key, keys[i]) == 0) {
			return true;
		}
	}
	return false;
}

static inline void case_line(struct h1_cases *cases, struct h1_case *item,
    const char *key, const char *value)
{
	if (strcmp(key, "send") == 0) {
		case_append(&cases->place, &item->input, value, '\0');
	} else if (strcmp(key, "reply") == 0) {
		item->replies += value[0] != '1';
	} else if (strcmp(key, "refused") == 0) {
		item->refused = (int)strtol(value, NULL, 10);
		item->closed = true;
	} else if (strcmp(key, "then") == 0) {
		case_expect(&cases->place,
		    strcmp(value, "open") == 0 || strcmp(value, "closed") == 0,
		    "then is open or closed");
		item->closed = value[0] == 'c';
	} else if (strcmp(key, "sees") == 0 || strcmp(key, "sees-no") == 0) {
		case_check(cases, item, value, key[4] == '-');
	} else if (strcmp(key, "server-only") == 0) {
		item->server_only = true;
	} else {
		case_expect(&cases->place, case_is_server_key(key), "unknown key");
	}
}

static inline struct h1_case *case_start(struct h1_cases *cases, const char *name)
{
	struct h1_case *item = &cases->items[cases->count];

	case_expect(&cases->place, cases->count < H1_CASES_MAX, "too many cases");
	cases->count++;
	item->name = case_copy(name);
	buffer_init(&item->input, 1 << 24);
	return item;
}

static inline void case_read_file(struct h1_cases *cases, FILE *file)
{
	struct h1_case *item = NULL;
	char *line = NULL;
	size_t capacity = 0;
	ssize_t size;

	for (cases->place.line = 1; (size = getline(&line, &capacity, file)) >= 0;
	     cases->place.line++) {
		char *value;

		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '#' || line[0] == '\0') {
			continue;
		}
		value = strstr(line, ": ");
		case_expect(&cases->place, value != NULL, "not 'key: value'");
		*value = '\0';
		value += 2;
		if (strcmp(line, "case") == 0) {
			item = case_start(cases, value);
		} else {
			case_expect(&cases->place, item != NULL, "no case yet");
			case_line(cases, item, line, value);
		}
	}
	free(line);
}

/* The cases of every file in tests/http1, below $srcdir or here. */
static inline void h1_cases_read(struct h1_cases *cases)
{
	const char *srcdir = getenv("srcdir");
	char pattern[4096];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/tests/http1/*.txt",
	    srcdir == NULL ? "." : srcdir);
	cases->place.file = pattern;
	case_expect(&cases->place, glob(pattern, 0, NULL, &found) == 0, "no cases found");
	for (size_t i = 0; i < found.gl_pathc; i++) {
		FILE *file = fopen(found.gl_pathv[i], "r");

		cases->place.file = found.gl_pathv[i];
		case_expect(&cases->place, file != NULL, "cannot be read");
		case_read_file(cases, file);
		fclose(file);
	}
	globfree(&found);
}

static inline void h1_cases_release(struct h1_cases *cases)
{
	for (int i = 0; i < cases->count; i++) {
		struct h1_case *item = &cases->items[i];

		for (int k = 0; k < item->check_count; k++) {
			free(item->checks[k].line);
		}
		free(item->name);
		buffer_release(&item->input);
	}
}

#endif
