/* SPDX-License-Identifier: MIT */
/* A walk over JSON that jansson has accepted, only to note where its values stand. */
#include "config/locate.h"

#include <stdbool.h>
#include <string.h>

#include "base/memory.h"

struct walk {
	const char *text;
	uint32_t size;
	uint32_t at;
	uint32_t line;
	struct place *places;	/* the result */
	uint32_t count;
	uint32_t capacity;
};

/* The next byte, NUL at the end: no valid text has one outside its strings. */
static char peek(const struct walk *walk)
{
	return walk->at < walk->size ? walk->text[walk->at] : '\0';
}

static void skip_space(struct walk *walk)
{
	for (;; walk->at++) {
		char c = peek(walk);

		if (c == '\n') {
			walk->line++;
		} else if (c != ' ' && c != '\t' && c != '\r') {
			return;
		}
	}
}

/* A string holds no line break as such, so lines need no count here. */
static void skip_string(struct walk *walk)
{
	for (walk->at++; peek(walk) != '"' && walk->at < walk->size; walk->at++) {
		if (peek(walk) == '\\') {
			walk->at++;
		}
	}
	walk->at++;
}

/* A number, true, false or null. */
static void skip_word(struct walk *walk)
{
	while (walk->at < walk->size && strchr(" \t\r\n,]}", peek(walk)) == NULL) {
		walk->at++;
	}
}

static uint32_t add_place(struct walk *walk, uint32_t line)
{
	if (walk->count == walk->capacity) {
		walk->capacity = walk->capacity == 0 ? 64 : walk->capacity * 2;
		walk->places = memory_grow(walk->places, walk->capacity,
		    sizeof(*walk->places));
	}
	walk->places[walk->count] = (struct place){ .line = line, .start = walk->at };
	return walk->count++;
}

static void walk_value(struct walk *walk, uint32_t line);

/* Everything between the brackets of an array or object, and the brackets. */
static void walk_children(struct walk *walk, bool members)
{
	walk->at++;
	skip_space(walk);
	while (walk->at < walk->size && peek(walk) != ']' && peek(walk) != '}') {
		uint32_t line = walk->line;

		if (members) {
			skip_string(walk);
			skip_space(walk);
			walk->at++;	/* the colon */
			skip_space(walk);
		}
		walk_value(walk, line);
		skip_space(walk);
		if (peek(walk) == ',') {
			walk->at++;
			skip_space(walk);
		}
	}
	walk->at++;
}

static void walk_value(struct walk *walk, uint32_t line)
{
	uint32_t index = add_place(walk, line);
	struct place *place;

	switch (peek(walk)) {
	case '{':
		walk_children(walk, true);
		break;
	case '[':
		walk_children(walk, false);
		break;
	case '"':
		skip_string(walk);
		break;
	default:
		skip_word(walk);
		break;
	}
	place = &walk->places[index];
	place->size = walk->at - place->start;
	place->next = walk->count;
}

struct place *locate_values(const char *text, size_t size)
{
	struct walk walk = { .text = text, .size = (uint32_t)size, .line = 1 };

	skip_space(&walk);
	walk_value(&walk, walk.line);
	return walk.places;
}
