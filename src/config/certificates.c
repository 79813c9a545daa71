/* SPDX-License-Identifier: MIT */
/* "certificates", of the server and of its hosts: each with its key, as files. */
#include "config/sections.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "config/reader.h"

/* Where it is found: by PATH, or from the folder of the file that names it. */
static char *take_word(const struct node *node, const char *text)
{
	return node->index == 0 && strchr(text, '/') != NULL ?
	    reader_join(node->document->directory, text) : memory_text(text);
}

static void read_command(const struct node *node, void *target)
{
	struct config_certificate *certificate = target;
	struct node child = { 0 };
	size_t count = 0;

	if (!reader_expect(node, JSON_ARRAY)) {
		return;
	}
	if (json_array_size(node->json) == 0) {
		node_problem(node, NULL,
		    "expected a program and its arguments, found none");
		return;
	}
	certificate->passphrase_command = memory_new(json_array_size(node->json) + 1,
	    sizeof(char *));
	while (node_next(node, &child)) {
		if (reader_expect(&child, JSON_STRING)) {
			certificate->passphrase_command[count++] = take_word(&child,
			    json_string_value(child.json));
		}
	}
	if (count > 0 && certificate->passphrase_command[0][0] == '\0') {
		node_problem(node, NULL, "expected a program, found ''");
	}
}

static const struct key certificate_keys[] = {
	{ KEY("chain", FILE), .required = true,
	  .offset = offsetof(struct config_certificate, chain) },
	{ KEY("key", FILE), .required = true,
	  .offset = offsetof(struct config_certificate, key) },
	{ KEY("passphrase_command", OTHER), .read = read_command },
	{ .name = NULL }
};

void config_shown_release(struct config_shown *shown)
{
	free(shown->pem);
	free(shown->names);
	memset(shown, 0, sizeof(*shown));
}

static void free_certificate(struct config_certificate *certificate)
{
	memory_free_texts(certificate->passphrase_command);
	free(certificate->where);
	free(certificate->chain);
	free(certificate->key);
	free(certificate->passphrase);
	free(certificate->no_passphrase);
	config_shown_release(&certificate->shown);
}

void certificates_read(const struct node *node, void *target)
{
	certificates_add(node, target, 0);
}

void certificates_add(const struct node *node, struct config *config, size_t vhost)
{
	struct node child = { 0 };

	if (!reader_expect(node, JSON_ARRAY) || json_array_size(node->json) == 0) {
		return;
	}
	config->certificates = memory_grow(config->certificates,
	    config->certificate_count + json_array_size(node->json),
	    sizeof(*config->certificates));
	while (node_next(node, &child)) {
		struct config_certificate certificate = { .where = node_where(&child),
			.vhost = vhost };
		size_t errors = node->document->problems->errors;

		reader_object(&child, certificate_keys, &certificate);
		if (node->document->problems->errors == errors) {
			config->certificates[config->certificate_count++] = certificate;
		} else {
			free_certificate(&certificate);
		}
	}
}

void certificates_default(struct config *config)
{
	config->certificates = memory_new(1, sizeof(*config->certificates));
	config->certificate_count = 1;
	config->certificates[0] = (struct config_certificate){
		.where = memory_printf("%s: certificates", config->file),
		.chain = memory_printf("%s/dev.crt", config->state),
		.key = memory_printf("%s/dev.key", config->state),
	};
	config->development_certificate = true;
}

void certificates_free(struct config *config)
{
	for (size_t i = 0; i < config->certificate_count; i++) {
		free_certificate(&config->certificates[i]);
	}
	free(config->certificates);
}
