/* SPDX-License-Identifier: MIT */
/* "handlers": how each handler's code is run, by the handler's name. */
#include "config/sections.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "config/reader.h"

#define NAME_MAX_BYTES 47	/* as in tincan/handler.h */
#define LEAST_MEMORY_BYTES (1 << 20)	/* with less no process starts */

#define FIELD(field_) .offset = offsetof(struct config_handler, field_)

static void read_isolation(const struct node *node, void *target)
{
	static const char *const choices[] = { "host", "worker" };
	const char *isolation = json_string_value(node->json);
	struct config_handler *handler = target;

	if (!reader_expect(node, JSON_STRING)) {
		return;
	}
	handler->in_worker = strcmp(isolation, "worker") == 0;
	if (!handler->in_worker && strcmp(isolation, "host") != 0) {
		node_problem(node, word_guess(isolation, choices, 2).text,
		    "expected 'host' or 'worker', found %s", node_word(node).text);
	}
}

static const struct key handler_keys[] = {
	{ KEY("isolation", OTHER), .read = read_isolation },
	{ KEY("paths", OTHER), .read = paths_read },
	{ KEY("processes", U32), FIELD(processes),
	  RANGE(1, 256, CONFIG_HANDLER_PROCESSES) },
	{ KEY("max_queue", U32), FIELD(max_queue),
	  RANGE(0, 65536, CONFIG_HANDLER_QUEUE) },
	{ KEY("threads", U32), FIELD(threads), RANGE(1, 256, CONFIG_HANDLER_THREADS) },
	{ KEY("timeout_ms", U32), FIELD(timeout_ms),
	  RANGE(1, DAY_MS, CONFIG_HANDLER_TIMEOUT_MS) },
	{ KEY("max_memory_bytes", U64), FIELD(max_memory_bytes),
	  RANGE(0, UINT64_C(1) << 40, 0) },
	{ KEY("max_message_bytes", U32), FIELD(max_message_bytes),
	  RANGE(1 << 10, 64 << 20, CONFIG_MESSAGE_MAX_BYTES) },
	{ KEY("max_body_bytes", U64), FIELD(max_body_bytes),
	  RANGE(0, UINT64_C(1) << 40, CONFIG_BODY_LIMITS) },
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

static bool read_handler(const struct node *node, struct config_handler *handler)
{
	size_t errors = node->document->problems->errors;
	struct node memory;

	handler_name_check(node, node->key);
	reader_defaults(node->document, handler_keys, handler);
	reader_object(node, handler_keys, handler);
	if (handler->max_memory_bytes > 0 &&
	    handler->max_memory_bytes < LEAST_MEMORY_BYTES &&
	    node_find(node, "max_memory_bytes", &memory)) {
		node_problem(&memory, "0 is no limit", "expected at least %d, found %s",
		    LEAST_MEMORY_BYTES, node_word(&memory).text);
	}
	return node->document->problems->errors == errors;
}

static char *where_of(const struct node *handler, const char *key)
{
	struct node node;

	return node_find(handler, key, &node) ? node_where(&node) : NULL;
}

void handlers_read(const struct node *node, void *target)
{
	struct config *config = target;
	struct node child = { 0 };

	if (!reader_expect(node, JSON_OBJECT)) {
		return;
	}
	config->handlers = memory_new(json_object_size(node->json),
	    sizeof(*config->handlers));
	while (node_next(node, &child)) {
		struct config_handler handler = { 0 };

		if (!read_handler(&child, &handler)) {
			paths_free(&handler.paths);
		} else {
			handler.where = node_where(&child);
			handler.name = memory_text(child.key);
			handler.processes_where = where_of(&child, "processes");
			handler.max_queue_where = where_of(&child, "max_queue");
			handler.threads_where = where_of(&child, "threads");
			config->handlers[config->handler_count++] = handler;
		}
	}
}

const struct config_handler *config_find_handler(const struct config *config,
    const char *name)
{
	for (size_t i = 0; i < config->handler_count; i++) {
		if (strcmp(config->handlers[i].name, name) == 0) {
			return &config->handlers[i];
		}
	}
	return NULL;
}

bool config_any_in_worker(const struct config *config)
{
	for (size_t i = 0; i < config->handler_count; i++) {
		if (config->handlers[i].in_worker) {
			return true;
		}
	}
	return false;
}

bool config_routes_to(const struct config *config, const char *handler)
{
	for (size_t i = 0; i < config->route_count; i++) {
		const char *name = config->routes[i].handler;

		if (name != NULL && strcmp(name, handler) == 0) {
			return true;
		}
	}
	return false;
}

bool config_uses(const struct config *config, const char *handler)
{
	const struct config_filter *filter;
	struct config_stream stream;

	for (size_t i = 0; config_stream_at(config, i, &stream); i++) {
		if (strcmp(stream.handler, handler) == 0) {
			return true;
		}
	}
	for (size_t i = 0; (filter = config_filter_at(config, i)) != NULL; i++) {
		if (strcmp(filter->handler, handler) == 0) {
			return true;
		}
	}
	return config_routes_to(config, handler);
}

void handlers_free(struct config *config)
{
	for (size_t i = 0; i < config->handler_count; i++) {
		paths_free(&config->handlers[i].paths);
		free(config->handlers[i].where);
		free(config->handlers[i].name);
		free(config->handlers[i].processes_where);
		free(config->handlers[i].max_queue_where);
		free(config->handlers[i].threads_where);
	}
	free(config->handlers);
}
