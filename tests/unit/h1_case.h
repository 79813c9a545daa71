/* SPDX-License-Identifier: MIT */
/* Reads the cases of tests/http1 (its README.md has the format), as far as the reader
 * alone can be held against them. A mistake in the data ends the program. */
#ifndef TINCAN_TESTS_H1_CASE_H
#define TINCAN_TESTS_H1_CASE_H

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

static inline void case_start(struct h1_cases *cases, const char *name)
{
	struct h1_case *item = &cases->items[cases->count];

	case_expect(&cases->place, cases->count < H1_CASES_MAX, "too many cases");
	cases->count++;
	item->name = case_copy(name);
	buffer_init(&item->input, 1 << 24);
}

static inline void case_take(void *arg, const char *key, const char *value)
{
	struct h1_cases *cases = arg;

	if (strcmp(key, "case") == 0) {
		case_start(cases, value);
		return;
	}
	case_expect(&cases->place, cases->count > 0, "no case yet");
	case_line(cases, &cases->items[cases->count - 1], key, value);
}

/* The cases of every file in tests/http1. */
static inline void h1_cases_read(struct h1_cases *cases)
{
	case_read(&cases->place, "http1", case_take, cases);
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
