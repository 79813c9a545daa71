/* SPDX-License-Identifier: MIT */
/*
 * The settings of one route: JSON laid flat, so that a handler's process can read
 * them without a JSON parser. An object { "limits": [ { "rate": 5 } ] } becomes the
 * entries "" (object), "limits" (array), "limits.0" (object), "limits.0.rate" (int).
 *
 * Lifetime: generation. Filled by the config room, then only read, but for the
 * asked marks, which on_open sets on one thread.
 */
#ifndef TINCAN_BASE_SETTINGS_H
#define TINCAN_BASE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum setting_type {
	SETTING_NULL, SETTING_BOOL, SETTING_INT, SETTING_REAL, SETTING_STRING,
	SETTING_ARRAY, SETTING_OBJECT
};

struct setting {
	char *path;		/* owned; "limits.0.rate" */
	char *text;		/* owned; a string's value, else its JSON text */
	char *json;		/* owned; compact JSON text of the value */
	char *where; /* owned; "server.json:14: routes[0].settings.limits[0]" */
	enum setting_type type;
	int64_t integer;	/* of an int; 0 or 1 of a bool */
	size_t length;		/* children of an array or object */
	bool asked;		/* the handler has asked for it or for one inside */
	bool entered;		/* it has asked for what is inside, and nothing can be */
};

struct settings {
	struct setting *items;	/* owned; document order, the whole ("") first */
	size_t count;
	size_t capacity;
};

void settings_init(struct settings *settings);
void settings_release(struct settings *settings);

/* Initialises to, with all of from, which nobody has asked for yet. */
void settings_copy(struct settings *to, const struct settings *from);

/* Adds one; the four texts are copied. */
struct setting *settings_add(struct settings *settings, const char *path,
    enum setting_type type, const char *text, const char *json, const char *where);

/* The entry at path, or NULL. */
struct setting *settings_find(const struct settings *settings, const char *path);

/* The name of the index-th child of the object at path ("" is the whole), or NULL;
 * borrowed from the entry's own path. */
const char *settings_child(const struct settings *settings, const char *path,
    size_t index);

#endif
