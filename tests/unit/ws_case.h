/* SPDX-License-Identifier: MIT */
/* Reads the cases of tests/ws; its README.md has the format. A mistake in the data ends
 * the program. */
#ifndef TINCAN_TESTS_WS_CASE_H
#define TINCAN_TESTS_WS_CASE_H


#include "case_text.h"
#include "ws_peer.h"

#define WS_CASES_MAX 1000
#define WS_CASE_MESSAGE_MAX (1 << 20)
#define WS_CASE_OPEN (-1)	/* told: it was not */

struct ws_case {
	char *name;
	char *offer;		/* NULL: none */
	char *agreed;		/* NULL: not said */
	size_t max_message;
	struct buffer input;
	struct buffer expected;	/* a transcript of ws_peer.h */
	int told;
};

struct ws_cases {
	struct ws_case items[WS_CASES_MAX];
	int count;
	struct case_place place;
	long times;		/* of the next line */
};

static inline char *ws_case_copy(const char *text)
{
	char *copy = strdup(text);

	peer_check(copy != NULL, "out of memory");
	return copy;
}

static inline void ws_case_noise(struct buffer *out, long size)
{
	uint32_t state = 2463534242;

	while (size-- > 0) {
		char byte;

		state ^= state << 13;
		state ^= state >> 17;
		state ^= state << 5;
		byte = (char)state;
		peer_append(out, &byte, 1);
	}
}

static inline struct buffer ws_case_payload(const struct ws_cases *cases,
    const char *text)
{
	struct buffer payload;

	buffer_init(&payload, PEER_MAX);
	if (strncmp(text, "@noise ", 7) == 0) {
		ws_case_noise(&payload, strtol(text + 7, NULL, 10));
	} else {
		case_append(&cases->place, &payload, text, '\0');
	}
	return payload;
}

/* Takes an opcode, by name or number, off the front. */
static inline unsigned ws_case_opcode(const struct ws_cases *cases, const char **text)
{
	static const struct {
		const char *name;
		unsigned opcode;
	} names[] = { { "continuation", 0 }, { "text", 1 }, { "binary", 2 },
		{ "close", 8 }, { "ping", 9 }, { "pong", 10 } };
	long number;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t size = strlen(names[i].name);

		if (strncmp(*text, names[i].name, size) == 0) {
			*text += size;
			return names[i].opcode;
		}
	}
	number = strtol(*text, (char **)text, 10);
	case_expect(&cases->place, number >= 0 && number < 16, "no opcode");
	return (unsigned)number;
}

/* Takes "/number" off the front, if it is there. */
static inline long ws_case_number(const char **text)
{
	return **text == '/' ? strtol(*text + 1, (char **)text, 10) : 0;
}

/* What follows the first word and a blank. */
static inline const char *ws_case_rest(const struct ws_cases *cases, const char *text)
{
	case_expect(&cases->place, *text == ' ' || *text == '\0', "a blank is missing");
	return *text == ' ' ? text + 1 : text;
}

static inline void ws_case_send(const struct ws_cases *cases, struct ws_case *item,
    const char *text)
{
	bool is_close = strncmp(text, "close", 5) == 0;
	unsigned opcode = ws_case_opcode(cases, &text);
	unsigned bits = WS_FIN;
	struct buffer payload;

	if (*text == '+') {
		bits = 0;
		text++;
	}
	bits |= (unsigned)ws_case_number(&text);
	text = ws_case_rest(cases, text);
	if (is_close && *text != '\0') {
		int code = (int)strtol(text, (char **)&text, 10);

		payload = ws_case_payload(cases, ws_case_rest(cases, text));
		peer_append(&payload, "", 1);
		peer_close(&item->input, code, payload.data);
	} else {
		payload = ws_case_payload(cases, text);
		peer_frame(&item->input, bits, opcode, buffer_slice(&payload));
	}
	buffer_release(&payload);
}

/* A message in frames of some bytes each. */
static inline void ws_case_pieces(const struct ws_cases *cases, struct ws_case *item,
    const char *text, bool deflated)
{
	unsigned opcode = ws_case_opcode(cases, &text);
	size_t size = (size_t)ws_case_number(&text);
	struct buffer payload = ws_case_payload(cases, ws_case_rest(cases, text));
	unsigned bits = deflated ? WS_RSV1 : 0;
	struct slice left;

	if (deflated) {
		struct buffer packed;

		buffer_init(&packed, PEER_MAX);
		peer_deflate(&packed, buffer_slice(&payload), WS_WINDOW_MAX);
		buffer_release(&payload);
		payload = packed;
	}
	left = buffer_slice(&payload);
	do {
		size_t now = size == 0 || size > left.size ? left.size : size;

		peer_frame(&item->input, bits | (now == left.size ? WS_FIN : 0), opcode,
		    (struct slice){ left.data, now });
		slice_skip(&left, now);
		opcode = WS_CONTINUATION;
		bits = 0;
	} while (left.size > 0);
	buffer_release(&payload);
}

static inline void ws_case_get(const struct ws_cases *cases, struct ws_case *item,
    const char *text)
{
	const char *end = text + strcspn(text, " ");
	struct buffer payload = ws_case_payload(cases, ws_case_rest(cases, end));
	char what[32];

	snprintf(what, sizeof(what), "%.*s", (int)(end - text), text);
	if (strcmp(what, "close") == 0) {
		if (payload.size > 0) {
			snprintf(what, sizeof(what), "close %.*s", (int)payload.size,
			    payload.data);
		}
		peer_say(&item->expected, what, SLICE(""));
	} else {
		peer_say(&item->expected, what, buffer_slice(&payload));
	}
	buffer_release(&payload);
}

/* What the case is about, once. False: another key. */
static inline bool ws_case_fact(struct ws_case *item, const char *key, const char *value)
{
	if (strcmp(key, "offer") == 0) {
		item->offer = ws_case_copy(value);
	} else if (strcmp(key, "agreed") == 0) {
		item->agreed = ws_case_copy(value);
	} else if (strcmp(key, "max-message") == 0) {
		item->max_message = (size_t)strtol(value, NULL, 10);
	} else if (strcmp(key, "told") == 0) {
		item->told = (int)strtol(value, NULL, 10);
	} else {
		return false;
	}
	return true;
}

static inline void ws_case_step(const struct ws_cases *cases, struct ws_case *item,
    const char *key, const char *value)
{
	if (strcmp(key, "send") == 0) {
		ws_case_send(cases, item, value);
	} else if (strcmp(key, "raw") == 0) {
		case_append(&cases->place, &item->input, value, '\0');
	} else if (strcmp(key, "get") == 0) {
		ws_case_get(cases, item, value);
	} else {
		case_expect(&cases->place,
		    strcmp(key, "pieces") == 0 || strcmp(key, "deflate") == 0,
		    "unknown key");
		ws_case_pieces(cases, item, value, key[0] == 'd');
	}
}

static inline void ws_case_start(struct ws_cases *cases, const char *name)
{
	struct ws_case *item = &cases->items[cases->count];

	case_expect(&cases->place, cases->count < WS_CASES_MAX, "too many cases");
	cases->count++;
	*item = (struct ws_case){ .name = ws_case_copy(name), .told = WS_CASE_OPEN,
		.max_message = WS_CASE_MESSAGE_MAX };
	buffer_init(&item->input, PEER_MAX);
	buffer_init(&item->expected, PEER_MAX);
}

static inline void ws_case_line(void *arg, const char *key, const char *value)
{
	struct ws_cases *cases = arg;
	struct ws_case *item;

	if (strcmp(key, "case") == 0) {
		ws_case_start(cases, value);
		return;
	}
	case_expect(&cases->place, cases->count > 0, "no case yet");
	item = &cases->items[cases->count - 1];
	if (strcmp(key, "times") == 0) {
		cases->times = strtol(value, NULL, 10);
		return;
	}
	if (!ws_case_fact(item, key, value)) {
		while (cases->times-- > 0) {
			ws_case_step(cases, item, key, value);
		}
	}
	cases->times = 1;
}

/* The cases of every file in tests/ws. */
static inline void ws_cases_read(struct ws_cases *cases)
{
	cases->times = 1;
	case_read(&cases->place, "ws", ws_case_line, cases);
}

static inline void ws_cases_release(struct ws_cases *cases)
{
	for (int i = 0; i < cases->count; i++) {
		struct ws_case *item = &cases->items[i];

		free(item->name);
		free(item->offer);
		free(item->agreed);
		buffer_release(&item->input);
		buffer_release(&item->expected);
	}
}

#endif
