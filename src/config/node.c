/* SPDX-License-Identifier: MIT */
/* Values of the document: children, places, and the words for messages. */
#include "config/node.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"

#define WORD_BYTES 40		/* of the user's text shown; each may become 6 */
#define WHERE_BYTES (1u << 20)	/* enough for jansson's 2048 levels of shortened keys */

struct node node_root(const struct document *document)
{
	return (struct node){ .document = document, .json = document->root };
}

bool node_next(const struct node *parent, struct node *child)
{
	bool first = child->parent == NULL;

	child->document = parent->document;
	child->parent = parent;
	if (first) {
		child->place = parent->place + 1;
	} else {
		child->place = parent->document->places[child->place].next;
		child->index++;
	}
	if (json_is_array(parent->json)) {
		child->json = json_array_get(parent->json, child->index);
		return child->json != NULL;
	}
	child->member = first ? json_object_iter(parent->json) :
	    json_object_iter_next(parent->json, child->member);
	if (child->member == NULL) {
		return false;
	}
	child->key = json_object_iter_key(child->member);
	child->json = json_object_iter_value(child->member);
	return true;
}

bool node_find(const struct node *node, const char *key, struct node *child)
{
	*child = (struct node){ 0 };
	while (json_is_object(node->json) && node_next(node, child)) {
		if (strcmp(child->key, key) == 0) {
			return true;
		}
	}
	return false;
}

/* The first bytes of text, up to a whole character, as a JSON string would have them. */
static int append_short(struct buffer *out, const char *text)
{
	size_t size = strnlen(text, WORD_BYTES + 1);
	bool cut = size > WORD_BYTES;
	int rc;

	if (cut) {
		size = WORD_BYTES - 3;
		while (size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80) {
			size--;
		}
	}
	rc = text_append_json(out, (struct slice){ text, size });
	if (rc == 0 && cut) {
		rc = buffer_append(out, "...", 3);
	}
	return rc;
}

struct word word_of(const char *text)
{
	struct word word;
	struct buffer shown;

	buffer_init(&shown, sizeof(word.text) - 3);
	if (append_short(&shown, text) != 0) {
		buffer_reset(&shown);
	}
	snprintf(word.text, sizeof(word.text), "'%.*s'", (int)shown.size,
	    buffer_slice(&shown).data);
	buffer_release(&shown);
	return word;
}

_Static_assert(6 * WORD_BYTES + 3 < WORD_SIZE, "escapes and quotes must fit");

struct word word_guess(const char *text, const char *const *words, size_t count)
{
	const char *nearest = text_nearest(text, words, count);
	struct word word = { "" };

	if (nearest != NULL) {
		snprintf(word.text, sizeof(word.text), "did you mean '%s'", nearest);
	}
	return word;
}

struct word node_word(const struct node *node)
{
	const struct place *place = &node->document->places[node->place];
	char written[WORD_BYTES + 2];
	size_t size = place->size;

	if (json_is_string(node->json)) {
		return word_of(json_string_value(node->json));
	}
	if (size > sizeof(written) - 1) {
		size = sizeof(written) - 1;
	}
	memcpy(written, node->document->text + place->start, size);
	written[size] = '\0';
	return word_of(written);
}

/* ".key" or "[index]" for every step; false when memory is short. */
static bool append_path(struct buffer *out, const struct node *node)
{
	int rc;

	if (node->parent == NULL) {
		return true;
	}
	if (!append_path(out, node->parent)) {
		return false;
	}
	if (node->key == NULL) {
		rc = buffer_printf(out, "[%zu]", node->index);
	} else {
		rc = buffer_append(out, ".", node->parent->parent == NULL ? 0 : 1);
		if (rc == 0) {
			rc = append_short(out, node->key);
		}
	}
	return rc == 0;
}

char *node_where(const struct node *node)
{
	uint32_t line = node->document->places[node->place].line;
	struct buffer path;
	char *where;

	buffer_init(&path, WHERE_BYTES);
	if (node->parent != NULL && append_path(&path, node)) {
		where = memory_printf("%s:%u: %.*s", node->document->file, (unsigned)line,
		    (int)path.size, buffer_slice(&path).data);
	} else {
		where = memory_printf("%s:%u", node->document->file, (unsigned)line);
	}
	buffer_release(&path);
	return where;
}

void node_problem(const struct node *node, const char *hint, const char *what_format, ...)
{
	char *where = node_where(node);
	char *what;
	va_list ap;

	va_start(ap, what_format);
	what = memory_vprintf(what_format, ap);
	va_end(ap);
	if (hint != NULL && hint[0] == '\0') {
		hint = NULL;
	}
	problems_add(node->document->problems, where, hint, "%s", what);
	free(what);
	free(where);
}

/* What kind of value it is; those of one word go with the word itself. */
static const char *describe_type(const json_t *json)
{
	switch (json_typeof(json)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "the string ";
	case JSON_INTEGER:
	case JSON_REAL:
		return "the number ";
	case JSON_TRUE:
		return "true";
	case JSON_FALSE:
		return "false";
	default:
		return "null";
	}
}

void node_mismatch(const struct node *node, const char *expected)
{
	bool has_word = json_is_string(node->json) || json_is_number(node->json);

	node_problem(node, NULL, "expected %s, found %s%s", expected,
	    describe_type(node->json), has_word ? node_word(node).text : "");
}
