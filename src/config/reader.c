/* SPDX-License-Identifier: MIT */
/* Objects with known keys, read by table. */
#include "config/reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "config/flatten.h"

#define KEYS_MAX 32	/* of one table */

char *reader_join(const char *directory, const char *name)
{
	size_t size = strlen(directory);
	const char *slash = directory[size - 1] == '/' ? "" : "/";

	if (name[0] == '/' || strcmp(directory, ".") == 0) {
		return memory_text(name);
	}
	return memory_printf("%s%s%s", directory, slash, name);
}

bool reader_expect(const struct node *node, json_type type)
{
	if (json_typeof(node->json) == type) {
		return true;
	}
	node_mismatch(node, type == JSON_OBJECT ? "an object" :
	    type == JSON_ARRAY ? "an array" : "a string");
	return false;
}

static void set_text(void *field, char *text)
{
	char **place = field;

	free(*place);
	*place = text;
}

static char *make_text(const struct document *document, const struct key *key,
    const char *text)
{
	bool stays = key->kind == KEY_TEXT || (key->kind == KEY_LOG &&
	    (strcmp(text, "-") == 0 || strcmp(text, "off") == 0));

	return stays ? memory_text(text) : reader_join(document->directory, text);
}

static void set_number(void *field, enum key_kind kind, uint64_t number)
{
	if (kind == KEY_BOOL) {
		*(bool *)field = number != 0;
	} else if (kind == KEY_U64) {
		*(uint64_t *)field = number;
	} else {
		*(uint32_t *)field = (uint32_t)number;
	}
}

void reader_defaults(const struct document *document, const struct key *keys,
    void *target)
{
	for (const struct key *key = keys; key->name != NULL; key++) {
		void *field = (char *)target + key->offset;

		switch (key->kind) {
		case KEY_OBJECT:
			reader_defaults(document, key->keys, target);
			break;
		case KEY_BOOL:
		case KEY_U32:
		case KEY_U64:
		case KEY_CHOICE:
			set_number(field, key->kind, key->number);
			break;
		case KEY_TEXT:
		case KEY_FILE:
		case KEY_LOG:
			if (key->text != NULL) {
				set_text(field, make_text(document, key, key->text));
			}
			break;
		case KEY_IGNORED:
		case KEY_SETTINGS:
		case KEY_OTHER:
			break;
		}
	}
}

static void read_number(const struct node *node, const struct key *key, void *field)
{
	json_int_t number = json_integer_value(node->json);

	if (!json_is_number(node->json)) {
		node_mismatch(node, "a number");
	} else if (!json_is_integer(node->json)) {
		node_problem(node, NULL, "expected a whole number, found %s",
		    node_word(node).text);
	} else if (number < 0 || (uint64_t)number < key->min ||
	    (uint64_t)number > key->max) {
		node_problem(node, NULL, "expected %" PRIu64 "..%" PRIu64 ", found %s",
		    key->min, key->max, node_word(node).text);
	} else {
		set_number(field, key->kind, (uint64_t)number);
	}
}

static void read_bool(const struct node *node, void *field)
{
	if (json_is_boolean(node->json)) {
		*(bool *)field = json_is_true(node->json);
	} else {
		node_mismatch(node, "true or false");
	}
}

/* "'auto', 'json' or 'text'" */
static struct word list_choices(const char *const *choices)
{
	struct word list = { "" };
	size_t size = 0;

	for (size_t i = 0; choices[i] != NULL && size < sizeof(list.text); i++) {
		const char *joint = i == 0 ? "" : choices[i + 1] == NULL ? " or " : ", ";

		size += (size_t)snprintf(list.text + size, sizeof(list.text) - size,
		    "%s'%s'", joint, choices[i]);
	}
	return list;
}

static void read_choice(const struct node *node, const struct key *key, void *field)
{
	size_t count;

	if (!reader_expect(node, JSON_STRING)) {
		return;
	}
	for (count = 0; key->choices[count] != NULL; count++) {
		if (strcmp(json_string_value(node->json), key->choices[count]) == 0) {
			set_number(field, key->kind, key->min + count);
			return;
		}
	}
	node_problem(node,
	    word_guess(json_string_value(node->json), key->choices, count).text,
	    "expected %s, found %s", list_choices(key->choices).text,
	    node_word(node).text);
}

static void read_text(const struct node *node, const struct key *key, void *field)
{
	const char *text = json_string_value(node->json);

	if (!reader_expect(node, JSON_STRING)) {
		return;
	}
	if (key->kind != KEY_TEXT && text[0] == '\0') {
		node_problem(node, NULL, "expected a file name, found ''");
		return;
	}
	set_text(field, make_text(node->document, key, text));
}

static void read_value(const struct node *node, const struct key *key, void *target)
{
	void *field = (char *)target + key->offset;

	switch (key->kind) {
	case KEY_IGNORED:
		reader_expect(node, JSON_STRING);
		break;
	case KEY_BOOL:
		read_bool(node, field);
		break;
	case KEY_U32:
	case KEY_U64:
		read_number(node, key, field);
		break;
	case KEY_CHOICE:
		read_choice(node, key, field);
		break;
	case KEY_TEXT:
	case KEY_FILE:
	case KEY_LOG:
		read_text(node, key, field);
		break;
	case KEY_SETTINGS:
		if (reader_expect(node, JSON_OBJECT)) {
			flatten_settings(node, field);
		}
		break;
	case KEY_OBJECT:
		reader_object(node, key->keys, target);
		break;
	case KEY_OTHER:
		key->read(node, target);
		break;
	}
}

static void report_unknown(const struct node *node, const struct key *keys)
{
	const char *names[KEYS_MAX];
	size_t count = 0;

	for (; keys[count].name != NULL && count < KEYS_MAX; count++) {
		names[count] = keys[count].name;
	}
	node_problem(node, word_guess(node->key, names, count).text, "unknown key %s",
	    word_of(node->key).text);
}

void reader_object(const struct node *node, const struct key *keys, void *target)
{
	struct node child = { 0 };

	if (!reader_expect(node, JSON_OBJECT)) {
		return;
	}
	while (node_next(node, &child)) {
		const struct key *key = keys;

		while (key->name != NULL && strcmp(key->name, child.key) != 0) {
			key++;
		}
		if (key->name == NULL) {
			report_unknown(&child, keys);
		} else {
			read_value(&child, key, target);
		}
	}
	for (const struct key *key = keys; key->name != NULL; key++) {
		if (key->required && json_object_get(node->json, key->name) == NULL) {
			node_problem(node, NULL, "missing key '%s'", key->name);
		}
	}
}
