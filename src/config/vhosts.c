/* SPDX-License-Identifier: MIT */
/* "hosts": names that have routes and certificates of their own. */
#include "config/sections.h"

#include <stdlib.h>
#include <string.h>

#include "base/hostname.h"
#include "base/memory.h"
#include "config/client_auth.h"
#include "config/filters.h"
#include "config/reader.h"

/* An entry that is being read. */
struct entry {
	struct config *config;
	size_t vhost;
	size_t name_count;
	struct hostnames *taken;	/* by the entries so far: to their places */
};

/* What the user may have meant by a text that is no host name. */
static const char *guess_name(const char *text)
{
	if (strcmp(text, "*") == 0) {
		return "what stands outside of 'hosts' is for all other names";
	}
	if (strstr(text, "://") != NULL || strchr(text, '/') != NULL) {
		return "a name has no scheme and no path";
	}
	if (strchr(text, ':') != NULL) {
		return "a name is without its port; addresses of IPv6 are no names";
	}
	if (strchr(text, '*') != NULL) {
		return "'*.' at the beginning stands for exactly one label";
	}
	for (const char *c = text; *c != '\0'; c++) {
		if ((unsigned char)*c > 0x7f) {
			return "as clients send it: 'xn--...'";
		}
	}
	return NULL;
}

static void add_name(const struct node *node, struct entry *entry, const char *text)
{
	struct config_vhost *vhost = &entry->config->vhosts[entry->vhost];
	char normal[HOSTNAME_BYTES];
	const char *other;
	char *name;

	(void)hostname_normal(slice_of(text), normal);
	other = hostnames_get(entry->taken, normal);
	if (other != NULL) {
		node_problem(node, NULL, "%s is a name of %s already", word_of(text).text,
		    other);
		return;
	}
	name = memory_text(normal);
	vhost->names[entry->name_count++] = name;
	vhost->names[entry->name_count] = NULL;
	hostnames_set(entry->taken, name, vhost->where);
}

static void read_name(const struct node *node, struct entry *entry)
{
	const char *text = json_string_value(node->json);
	const char *what;

	if (!reader_expect(node, JSON_STRING)) {
		return;
	}
	if (hostname_check(text, &what) != 0) {
		node_problem(node, guess_name(text), "%s %s", word_of(text).text, what);
	} else {
		add_name(node, entry, text);
	}
}

static void read_names(const struct node *node, void *target)
{
	struct entry *entry = target;
	struct config_vhost *vhost = &entry->config->vhosts[entry->vhost];
	struct node child = { 0 };

	if (!reader_expect(node, JSON_ARRAY)) {
		return;
	}
	vhost->names = memory_grow(vhost->names, json_array_size(node->json) + 1,
	    sizeof(*vhost->names));
	if (json_array_size(node->json) == 0) {
		node_problem(node, NULL, "expected at least one name, found none");
	}
	while (node_next(node, &child)) {
		read_name(&child, entry);
	}
}

static void read_routes(const struct node *node, void *target)
{
	const struct entry *entry = target;

	routes_add(node, entry->config, entry->vhost);
}

static void read_certificates(const struct node *node, void *target)
{
	const struct entry *entry = target;

	certificates_add(node, entry->config, entry->vhost);
}

static void read_filters(const struct node *node, void *target)
{
	const struct entry *entry = target;

	filters_read_list(node, &entry->config->vhosts[entry->vhost].filters);
}

static void read_tls(const struct node *node, void *target)
{
	const struct entry *entry = target;

	client_auth_read(node, &entry->config->vhosts[entry->vhost].clients);
}

static const struct key vhost_keys[] = {
	{ KEY("names", OTHER), .required = true, .read = read_names },
	{ KEY("certificates", OTHER), .read = read_certificates },
	{ KEY("tls", OTHER), .read = read_tls },
	{ KEY("filters", OTHER), .read = read_filters },
	{ KEY("routes", OTHER), .read = read_routes },
	{ .name = NULL }
};

static void add_vhost(struct config *config, char *where)
{
	config->vhosts = memory_grow(config->vhosts, config->vhost_count + 1,
	    sizeof(*config->vhosts));
	config->vhosts[config->vhost_count++] = (struct config_vhost){ .where = where,
		.names = memory_new(1, sizeof(char *)) };
}

void vhosts_read(const struct node *node, void *target)
{
	struct config *config = target;
	struct node child = { 0 };
	struct hostnames taken;

	if (!reader_expect(node, JSON_ARRAY)) {
		return;
	}
	hostnames_init(&taken);
	while (node_next(node, &child)) {
		struct entry entry = { .config = config, .vhost = config->vhost_count,
			.taken = &taken };

		add_vhost(config, node_where(&child));
		reader_object(&child, vhost_keys, &entry);
	}
	hostnames_release(&taken);
}

void vhosts_default(struct config *config)
{
	add_vhost(config, memory_text(config->file));
}

char **config_host_names(const struct config *config)
{
	char **names = memory_new(1, sizeof(*names));
	size_t count = 0;

	for (size_t i = 0; i < config->vhost_count; i++) {
		for (char **name = config->vhosts[i].names; *name != NULL; name++) {
			names = memory_grow(names, count + 2, sizeof(*names));
			names[count++] = memory_text(*name);
		}
	}
	names[count] = NULL;
	return names;
}

void vhosts_free(struct config *config)
{
	for (size_t i = 0; i < config->vhost_count; i++) {
		memory_free_texts(config->vhosts[i].names);
		filters_free(&config->vhosts[i].filters);
		client_auth_free(&config->vhosts[i].clients);
		free(config->vhosts[i].where);
	}
	free(config->vhosts);
}
