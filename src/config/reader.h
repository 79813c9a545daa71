/* SPDX-License-Identifier: MIT */
/*
 * Objects with known keys, read by table: a row per key says its type, its range, its
 * default and where it goes. Every problem is reported; a value with one leaves the
 * default in place.
 */
#ifndef TINCAN_CONFIG_READER_H
#define TINCAN_CONFIG_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/node.h"

enum key_kind {
	KEY_IGNORED,	/* a string for other readers of the file */
	KEY_BOOL,	/* field is bool */
	KEY_U32,	/* uint32_t, min..max */
	KEY_U64,	/* uint64_t, min..max */
	KEY_CHOICE,	/* int or enum: min for the first of the choices, and so on */
	KEY_TEXT,	/* char *, owned */
	KEY_FILE,	/* char *, owned, joined with the document's directory */
	KEY_LOG,	/* like KEY_FILE, but "-" and "off" stay */
	KEY_SETTINGS,	/* struct settings; an object laid flat */
	KEY_OBJECT,	/* keys of its own, for the same target */
	KEY_OTHER	/* read by a function */
};

struct key {
	const char *name;		/* NULL ends a table */
	enum key_kind kind;
	bool required;
	size_t offset;			/* of the field in the target */
	uint64_t min;
	uint64_t max;
	uint64_t number;		/* default of a number, bool or choice */
	const char *text;		/* default of a text or file, or NULL */
	const char *const *choices;	/* NULL-ended */
	const struct key *keys;
	void (*read)(const struct node *node, void *target);
};

/* The first words of every row. */
#define KEY(name_, kind_) .name = (name_), .kind = KEY_##kind_
#define RANGE(min_, max_, default_) .min = (min_), .max = (max_), .number = (default_)

/* Sets every field of target that keys name to its default. */
void reader_defaults(const struct document *document, const struct key *keys,
    void *target);

/* Reads the members of the object at node, which must be one, into target. */
void reader_object(const struct node *node, const struct key *keys, void *target);

/* Is node of that type (JSON_OBJECT, JSON_ARRAY or JSON_STRING)? If not, says so. */
bool reader_expect(const struct node *node, json_type type);

/* name as a path from the working directory, if it is relative to directory; owned. */
char *reader_join(const char *directory, const char *name);

#endif
