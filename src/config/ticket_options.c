/* SPDX-License-Identifier: MIT */
/* "tls.tickets": how long a session can be resumed, and where the keys come from. */
#include "config/sections.h"

#include <stdlib.h>

#include "base/memory.h"
#include "config/reader.h"

#define WEEK_S (7 * 24 * 60 * 60)	/* RFC 8446 section 4.6.1 */
#define SHORTEST_S 4			/* a new key every second */

struct found {
	uint32_t lifetime_s;
	char *keys;
	char *secret;
};

static const struct key tickets_keys[] = {
	{ KEY("lifetime_s", U32), .offset = offsetof(struct found, lifetime_s),
	  RANGE(SHORTEST_S, WEEK_S, CONFIG_TICKETS_LIFETIME_S) },
	{ KEY("key_file", FILE), .offset = offsetof(struct found, keys) },
	{ KEY("secret_file", FILE), .offset = offsetof(struct found, secret) },
	{ .name = NULL }
};

/* Takes the name of the file, if there is one. */
static void take_file(const struct node *node, const char *key, char *file,
    enum config_tickets_source source, struct config_tickets *tickets)
{
	struct node child;

	if (file == NULL || !node_find(node, key, &child)) {
		return;
	}
	if (tickets->file != NULL) {
		node_problem(&child, NULL,
		    "'key_file' and 'secret_file' exclude each other");
		free(file);
		return;
	}
	tickets->source = source;
	tickets->where = node_where(&child);
	tickets->file = file;
}

void ticket_options_read(const struct node *node, void *target)
{
	struct config *config = target;
	struct found found = { .lifetime_s = CONFIG_TICKETS_LIFETIME_S };

	if (json_is_false(node->json)) {
		config->tickets.source = CONFIG_TICKETS_OFF;
		return;
	}
	if (!json_is_object(node->json)) {
		node_mismatch(node, "an object or false");
		return;
	}
	reader_object(node, tickets_keys, &found);
	config->tickets.lifetime_s = found.lifetime_s;
	take_file(node, "key_file", found.keys, CONFIG_TICKETS_FILE, &config->tickets);
	take_file(node, "secret_file", found.secret, CONFIG_TICKETS_SECRET,
	    &config->tickets);
}

void ticket_options_default(struct config *config)
{
	config->tickets.lifetime_s = CONFIG_TICKETS_LIFETIME_S;
}

void ticket_options_free(struct config *config)
{
	free(config->tickets.where);
	free(config->tickets.file);
}
