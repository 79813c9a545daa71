/* SPDX-License-Identifier: MIT */
/* "alpn": protocols by the name that TLS clients ask for (RFC 7301), and who has them. */
#include "config/sections.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "config/reader.h"
#include "http/chars.h"

#define NAME_MAX_BYTES 255	/* RFC 7301 section 3.1 */

#define FIELD(field_) .offset = offsetof(struct config_alpn, field_)

static const struct key alpn_keys[] = {
	{ KEY("handler", TEXT), FIELD(handler), .required = true },
	{ KEY("settings", SETTINGS), FIELD(settings) },
	{ .name = NULL }
};

static void free_alpn(struct config_alpn *alpn)
{
	free(alpn->where);
	free(alpn->name);
	free(alpn->handler);
	settings_release(&alpn->settings);
}

/* HTTP has its routes; a client that asks for it must not end in a raw stream. */
static bool is_http(const char *name)
{
	static const char *const names[] = {
		"http/0.9", "http/1.0", "http/1.1", "h2", "h2c", "h3"
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(name, names[i]) == 0) {
			return true;
		}
	}
	return false;
}

static void check_name(const struct node *node)
{
	const char *name = node->key;
	size_t size = 0;

	while (char_is(name[size], CHAR_VISIBLE)) {
		size++;
	}
	if (size == 0 || size > NAME_MAX_BYTES || name[size] != '\0') {
		node_problem(node, "1 to 255 visible ASCII characters",
		    "%s is no protocol's name", word_of(name).text);
	} else if (is_http(name)) {
		node_problem(node, "HTTP goes to handlers by 'routes'",
		    "%s is a name of HTTP", word_of(name).text);
	}
}

/* "name": "echo" is short for "name": { "handler": "echo" }. */
static void read_target(const struct node *node, struct config_alpn *alpn)
{
	struct node handler = *node;

	if (json_is_string(node->json)) {
		alpn->handler = memory_text(json_string_value(node->json));
	} else if (json_is_object(node->json)) {
		reader_object(node, alpn_keys, alpn);
		if (!node_find(node, "handler", &handler)) {
			handler = *node;
		}
	} else {
		node_mismatch(node, "a handler's name or an object");
	}
	alpn->where = node_where(&handler);
	if (alpn->handler != NULL) {
		handler_name_check(&handler, alpn->handler);
	}
}

void alpns_read(const struct node *node, void *target)
{
	struct config *config = target;
	struct node child = { 0 };

	if (!reader_expect(node, JSON_OBJECT)) {
		return;
	}
	config->alpns = memory_new(json_object_size(node->json), sizeof(*config->alpns));
	while (node_next(node, &child)) {
		size_t errors = node->document->problems->errors;
		struct config_alpn alpn = { 0 };

		alpn.name = memory_text(child.key);
		check_name(&child);
		read_target(&child, &alpn);
		if (node->document->problems->errors == errors) {
			config->alpns[config->alpn_count++] = alpn;
		} else {
			free_alpn(&alpn);
		}
	}
}

bool config_stream_at(const struct config *config, size_t index,
    struct config_stream *stream)
{
	for (size_t i = 0; i < config->listener_count; i++) {
		struct config_listener *listener = &config->listeners[i];

		if (listener->stream != NULL && index-- == 0) {
			*stream = (struct config_stream){ listener->stream_where,
				"stream", listener->address, listener->stream,
				&listener->stream_settings };
			return true;
		}
	}
	if (index < config->alpn_count) {
		struct config_alpn *alpn = &config->alpns[index];

		*stream = (struct config_stream){ alpn->where, "alpn", alpn->name,
			alpn->handler, &alpn->settings };
		return true;
	}
	return false;
}

void alpns_free(struct config *config)
{
	for (size_t i = 0; i < config->alpn_count; i++) {
		free_alpn(&config->alpns[i]);
	}
	free(config->alpns);
}
