/* SPDX-License-Identifier: MIT */
/* "tls.groups": the groups of the key exchange (RFC 8446 section 4.2.7). */
#include "config/sections.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "config/reader.h"

/* As OpenSSL and its users call them; whether this OpenSSL has one is seen in tls/. */
static const char *const names[] = {
	"X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024",
	"X25519", "P-256", "P-384", "P-521", "X448"
};

#define NAME_COUNT (sizeof(names) / sizeof(names[0]))

static bool is_known(const char *name)
{
	for (size_t i = 0; i < NAME_COUNT; i++) {
		if (strcmp(name, names[i]) == 0) {
			return true;
		}
	}
	return false;
}

static bool is_twice(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->tls_group_count; i++) {
		if (strcmp(name, config->tls_groups[i].name) == 0) {
			return true;
		}
	}
	return false;
}

static void read_group(const struct node *node, struct config *config)
{
	const char *name = json_string_value(node->json);

	if (!reader_expect(node, JSON_STRING)) {
		return;
	}
	if (!is_known(name)) {
		node_problem(node, word_guess(name, names, NAME_COUNT).text,
		    "%s is no group that tincan knows", word_of(name).text);
	} else if (is_twice(config, name)) {
		node_problem(node, NULL, "%s is there twice", word_of(name).text);
	} else {
		config->tls_groups = memory_grow(config->tls_groups,
		    config->tls_group_count + 1, sizeof(*config->tls_groups));
		config->tls_groups[config->tls_group_count++] = (struct config_group){
			.name = memory_text(name), .where = node_where(node) };
	}
}

void groups_read(const struct node *node, void *target)
{
	struct config *config = target;
	struct node child = { 0 };

	if (!reader_expect(node, JSON_ARRAY)) {
		return;
	}
	if (json_array_size(node->json) == 0) {
		node_problem(node, NULL, "expected at least one group, found none");
	}
	while (node_next(node, &child)) {
		read_group(&child, config);
	}
}

void groups_free(struct config *config)
{
	for (size_t i = 0; i < config->tls_group_count; i++) {
		free(config->tls_groups[i].name);
		free(config->tls_groups[i].where);
	}
	free(config->tls_groups);
}
