/* SPDX-License-Identifier: MIT */
/* "paths" of a handler: the only files that its processes may open. */
#include "config/sections.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "config/reader.h"

/* A NULL-ended list of paths, joined with the folder of the file. */
static char **read_list(const struct node *node)
{
	struct node child = { 0 };
	size_t count = 0;
	char **list;

	if (!reader_expect(node, JSON_ARRAY)) {
		return NULL;
	}
	list = memory_new(json_array_size(node->json) + 1, sizeof(*list));
	while (node_next(node, &child)) {
		const char *path = json_string_value(child.json);

		if (!reader_expect(&child, JSON_STRING)) {
			continue;
		}
		if (path[0] == '\0') {
			node_problem(&child, NULL, "expected a file name, found ''");
			continue;
		}
		list[count++] = reader_join(node->document->directory, path);
	}
	return list;
}

static void read_readable(const struct node *node, void *target)
{
	((struct config_paths *)target)->read = read_list(node);
}

static void read_writable(const struct node *node, void *target)
{
	((struct config_paths *)target)->write = read_list(node);
}

static const struct key paths_keys[] = {
	{ KEY("read", OTHER), .read = read_readable },
	{ KEY("write", OTHER), .read = read_writable },
	{ .name = NULL }
};

void paths_read(const struct node *node, void *target)
{
	struct config_handler *handler = target;

	if (reader_expect(node, JSON_OBJECT)) {
		handler->paths.where = node_where(node);
		reader_object(node, paths_keys, &handler->paths);
	}
}

void paths_free(struct config_paths *paths)
{
	free(paths->where);
	memory_free_texts(paths->read);
	memory_free_texts(paths->write);
}

const struct config_paths *config_paths_of(const struct config *config, const char *name)
{
	static const struct config_paths none = { NULL, NULL, NULL };
	const struct config_handler *handler = config_find_handler(config, name);

	if (handler != NULL && handler->paths.where != NULL) {
		return &handler->paths;
	}
	return config->plugins_confined ? &none : NULL;
}

static bool same_list(char *const *left, char *const *right)
{
	size_t i = 0;

	if (left == NULL || right == NULL) {
		return (left == NULL || left[0] == NULL) &&
		    (right == NULL || right[0] == NULL);
	}
	while (left[i] != NULL && text_same(left[i], right[i])) {
		i++;
	}
	return left[i] == NULL && right[i] == NULL;
}

bool config_paths_same(const struct config_paths *left, const struct config_paths *right)
{
	if (left == NULL || right == NULL) {
		return left == right;
	}
	return same_list(left->read, right->read) && same_list(left->write, right->write);
}
