/* SPDX-License-Identifier: MIT */
/* "handlers": how each handler's code is run, by the handler's name. */
#include "config/sections.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "config/reader.h"

#define NAME_MAX_BYTES 47	/* as in tincan/handler.h */

static void read_isolation(const struct node *node, void *target)
{
	static const char *const choices[] = { "worker", "host" };
	const char *isolation = json_string_value(node->json);

	(void)target;	/* there is one way only so far, so nothing to keep */
	if (!reader_expect(node, JSON_STRING) || strcmp(isolation, "worker") == 0) {
		return;
	}
	if (strcmp(isolation, "host") == 0) {
		node_problem(node, NULL, "'host' is not supported yet");
	} else {
		node_problem(node, word_guess(isolation, choices, 2).text,
		    "expected 'worker', found %s", node_word(node).text);
	}
}

static const struct key handler_keys[] = {
	{ KEY("isolation", OTHER), .read = read_isolation },
	{ KEY("processes", RESERVED) },
	{ KEY("timeout_ms", RESERVED) },
	{ KEY("max_memory_bytes", RESERVED) },
	{ .name = NULL }
};

bool handler_name_check(const struct node *node, const char *name)
{
	size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-");

	if (size > 0 && size <= NAME_MAX_BYTES && name[size] == '\0') {
		return true;
	}
	node_problem(node, "up to 47 of a-z, 0-9, '_' and '-'", "%s is no handler's name",
	    word_of(name).text);
	return false;
}

void handlers_read(const struct node *node, void *target)
{
	struct config *config = target;
	struct config_handler *handler;
	struct node child = { 0 };

	if (!reader_expect(node, JSON_OBJECT)) {
		return;
	}
	config->handlers = memory_new(json_object_size(node->json),
	    sizeof(*config->handlers));
	while (node_next(node, &child)) {
		size_t errors = node->document->problems->errors;

		handler_name_check(&child, child.key);
		reader_object(&child, handler_keys, config);
		if (node->document->problems->errors == errors) {
			handler = &config->handlers[config->handler_count++];
			handler->where = node_where(&child);
			handler->name = memory_text(child.key);
		}
	}
}

void handlers_free(struct config *config)
{
	for (size_t i = 0; i < config->handler_count; i++) {
		free(config->handlers[i].where);
		free(config->handlers[i].name);
	}
	free(config->handlers);
}
