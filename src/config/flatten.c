/* SPDX-License-Identifier: MIT */
/* A settings object laid flat. */
#include "config/flatten.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/table.h"

#define MAX_DEPTH 16	/* each level's JSON text holds that of the levels below */

struct flatten {
	struct settings *settings;
	struct table paths;	/* to their where: a key with dots can make two equal */
};

static enum setting_type type_of(const json_t *json)
{
	switch (json_typeof(json)) {
	case JSON_OBJECT:
		return SETTING_OBJECT;
	case JSON_ARRAY:
		return SETTING_ARRAY;
	case JSON_STRING:
		return SETTING_STRING;
	case JSON_INTEGER:
		return SETTING_INT;
	case JSON_REAL:
		return SETTING_REAL;
	case JSON_TRUE:
	case JSON_FALSE:
		return SETTING_BOOL;
	default:
		return SETTING_NULL;
	}
}

/* The value as it was written, without the spaces between its parts; owned. */
static char *compact_text(const struct node *node)
{
	const struct place *place = &node->document->places[node->place];
	const char *from = node->document->text + place->start;
	char *compact = memory_new((size_t)place->size + 1, 1);
	size_t size = 0;
	bool in_string = false;

	for (uint32_t i = 0; i < place->size; i++) {
		bool is_space = strchr(" \t\r\n", from[i]) != NULL;

		if (from[i] == '\\') {
			compact[size++] = from[i++]; /* an escape, which hides a quote */
		} else if (from[i] == '"') {
			in_string = !in_string;
		}
		if (in_string || !is_space) {
			compact[size++] = from[i];
		}
	}
	return compact;
}

static struct setting *add_setting(struct settings *settings, const struct node *node,
    const char *path)
{
	char *json = compact_text(node);
	char *where = node_where(node);
	const char *string = json_string_value(node->json);
	struct setting *setting = settings_add(settings, path, type_of(node->json),
	    string != NULL ? string : json, json, where);

	if (json_is_integer(node->json)) {
		setting->integer = json_integer_value(node->json);
	} else {
		setting->integer = json_is_true(node->json);
	}
	setting->length = json_is_object(node->json) ? json_object_size(node->json) :
	    json_array_size(node->json);
	free(json);
	free(where);
	return setting;
}

static char *child_path(const char *path, const struct node *child)
{
	const char *dot = path[0] == '\0' ? "" : ".";

	if (child->key == NULL) {
		return memory_printf("%s%s%zu", path, dot, child->index);
	}
	return memory_printf("%s%s%s", path, dot, child->key);
}

static void flatten_value(struct flatten *flatten, const struct node *node,
    const char *path, int depth)
{
	struct node child = { 0 };
	struct setting *setting;
	const char *earlier;

	if (depth > MAX_DEPTH) {
		node_problem(node, NULL, "settings are deeper than %d levels", MAX_DEPTH);
		return;
	}
	setting = add_setting(flatten->settings, node, path);
	earlier = table_get(&flatten->paths, slice_of(path));
	if (earlier != NULL) {
		node_problem(node, NULL, "a handler cannot tell this from %s", earlier);
	}
	table_set(&flatten->paths, slice_of(setting->path), setting->where);
	while ((json_is_object(node->json) || json_is_array(node->json)) &&
	    node_next(node, &child)) {
		char *inner = child_path(path, &child);

		flatten_value(flatten, &child, inner, depth + 1);
		free(inner);
	}
}

void flatten_settings(const struct node *node, struct settings *settings)
{
	struct flatten flatten = { .settings = settings };

	table_init(&flatten.paths);
	flatten_value(&flatten, node, "", 0);
	table_release(&flatten.paths);
}
