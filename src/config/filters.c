/* SPDX-License-Identifier: MIT */
/* "filters": what sees every request before, and every reply behind, who answers. */
#include "config/filters.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "config/reader.h"
#include "config/sections.h"

#define FIELD(field_) .offset = offsetof(struct config_filter, field_)

static const struct key filter_keys[] = {
	{ KEY("handler", TEXT), FIELD(handler), .required = true },
	{ KEY("settings", SETTINGS), FIELD(settings) },
	{ .name = NULL }
};

static void free_filter(struct config_filter *filter)
{
	free(filter->where);
	free(filter->handler);
	settings_release(&filter->settings);
}

/* "echo" is short for { "handler": "echo" }. */
static void read_filter(const struct node *node, struct config_filter *filter)
{
	struct node handler = *node;

	if (json_is_string(node->json)) {
		filter->handler = memory_text(json_string_value(node->json));
	} else if (json_is_object(node->json)) {
		reader_object(node, filter_keys, filter);
		if (!node_find(node, "handler", &handler)) {
			handler = *node;
		}
	} else {
		node_mismatch(node, "a handler's name or an object");
	}
	filter->where = node_where(&handler);
	if (filter->handler != NULL) {
		handler_name_check(&handler, filter->handler);
	}
}

void filters_read_list(const struct node *node, struct config_filters *filters)
{
	struct node child = { 0 };

	if (!reader_expect(node, JSON_ARRAY)) {
		return;
	}
	if (json_array_size(node->json) > CONFIG_FILTERS_MAX) {
		node_problem(node, NULL, "expected up to %d filters", CONFIG_FILTERS_MAX);
		return;
	}
	filters->items = memory_new(json_array_size(node->json),
	    sizeof(*filters->items));
	while (node_next(node, &child)) {
		struct config_filter *filter = &filters->items[filters->count];
		size_t errors = node->document->problems->errors;

		read_filter(&child, filter);
		if (node->document->problems->errors == errors) {
			filters->count++;
		} else {
			free_filter(filter);
			*filter = (struct config_filter){ 0 };
		}
	}
}

void filters_read(const struct node *node, void *target)
{
	struct config *config = target;

	filters_read_list(node, &config->filters);
}

void filters_free(struct config_filters *filters)
{
	for (size_t i = 0; i < filters->count; i++) {
		free_filter(&filters->items[i]);
	}
	free(filters->items);
}

static struct config_filter *take(struct config_filters *filters, size_t *index)
{
	if (*index < filters->count) {
		return &filters->items[*index];
	}
	*index -= filters->count;
	return NULL;
}

struct config_filter *config_filter_at(const struct config *config, size_t index)
{
	struct config_filter *filter =
	    take((struct config_filters *)&config->filters, &index);

	for (size_t i = 0; filter == NULL && i < config->vhost_count; i++) {
		filter = take(&config->vhosts[i].filters, &index);
	}
	for (size_t i = 0; filter == NULL && i < config->route_count; i++) {
		filter = take(&config->routes[i].filters, &index);
	}
	return filter;
}
