/* SPDX-License-Identifier: MIT */
/* server.json from file to struct config. */
#include "config/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "config/client_auth.h"
#include "config/document.h"
#include "config/filters.h"
#include "config/flatten.h"
#include "config/keys.h"
#include "config/node.h"
#include "config/sections.h"

#define READ_BYTES 65536

static void read_root(struct config *config, const struct document *document)
{
	struct node root = node_root(document);
	struct node child;

	reader_defaults(document, config_keys, config);
	vhosts_default(config);
	ticket_options_default(config);
	reader_object(&root, config_keys, config);
	if (!node_find(&root, "listeners", &child)) {
		listeners_default(config);
	}
	config->clients.where = node_find(&root, "tls", &child) ? node_where(&child) :
	    memory_text(config->file);
	client_auth_settle(config, document->problems);
	/* Last, as it is put into the folder that "state" names. */
	if (config->certificates == NULL) {
		certificates_default(config);
	}
}

struct config *config_parse(const char *file, const char *text, size_t size,
    struct problems *problems)
{
	char *directory = memory_folder(file);
	struct document document = { .file = file, .directory = directory,
		.problems = problems };
	struct config *config = NULL;

	if (document_open(&document, text, size) != 0) {
		goto out;
	}
	if (!json_is_object(document.root)) {
		struct node root = node_root(&document);

		reader_expect(&root, JSON_OBJECT);
		goto out;
	}
	config = memory_new(1, sizeof(*config));
	config->file = memory_text(file);
	config->directory = memory_text(directory);
	read_root(config, &document);
out:
	document_close(&document);
	free(directory);
	return config;
}

int config_parse_settings(const char *file, const char *text, size_t size,
    struct settings *settings, struct problems *problems)
{
	struct document document = { .file = file, .problems = problems };
	size_t errors = problems->errors;
	struct node root;

	settings_init(settings);
	if (document_open(&document, text, size) == 0) {
		root = node_root(&document);
		if (reader_expect(&root, JSON_OBJECT)) {
			flatten_settings(&root, settings);
		}
	}
	document_close(&document);
	return problems->errors == errors ? 0 : ERR_INVALID;
}

/* All of the stream into text; 0 or ERR_. */
static int read_all(FILE *stream, struct buffer *text)
{
	for (;;) {
		char *space;
		size_t size;
		int rc = buffer_reserve(text, READ_BYTES, &space);

		if (rc != 0) {
			return rc;
		}
		size = fread(space, 1, READ_BYTES, stream);
		buffer_commit(text, size);
		if (size < READ_BYTES) {
			return ferror(stream) ? ERR_SYSTEM : 0;
		}
	}
}

int config_read(const char *file, char **text, size_t *size, struct problems *problems)
{
	FILE *stream = fopen(file, "re");
	struct buffer content;
	int rc = ERR_SYSTEM;

	/* One read more than a document may have, which then says so itself. */
	buffer_init(&content, DOCUMENT_MAX_BYTES + 2 * READ_BYTES);
	if (stream != NULL) {
		rc = read_all(stream, &content);
	}
	if (rc == ERR_SYSTEM) {
		problems_add(problems, file,
		    errno == ENOENT ? "'--config FILE' names another" : NULL,
		    "cannot read it: %s", strerror(errno));
	} else if (rc != 0 && rc != ERR_LIMIT) {
		problems_add(problems, file, NULL, "cannot read it: out of memory");
	} else {
		struct slice all = buffer_slice(&content);

		*text = memory_copy(all.data, all.size);
		*size = all.size;
		rc = 0;
	}
	if (stream != NULL) {
		fclose(stream);
	}
	buffer_release(&content);
	return rc;
}

struct config *config_load(const char *file, struct problems *problems)
{
	struct config *config = NULL;
	char *text = NULL;
	size_t size;

	if (config_read(file, &text, &size, problems) == 0) {
		config = config_parse(file, text, size, problems);
	}
	free(text);
	return config;
}

void config_free(struct config *config)
{
	if (config == NULL) {
		return;
	}
	client_auth_free(&config->clients);
	listeners_free(config);
	alpns_free(config);
	ticket_options_free(config);
	groups_free(config);
	free(config->tls_key_log);
	vhosts_free(config);
	certificates_free(config);
	handlers_free(config);
	filters_free(&config->filters);
	routes_free(config);
	free(config->log.access);
	free(config->log.error);
	free(config->plugin_directory);
	free(config->state);
	free(config->control);
	user_free(config);
	free(config->directory);
	free(config->file);
	free(config);
}
