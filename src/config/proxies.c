/* SPDX-License-Identifier: MIT */
/* "proxy_protocol" of a listener: whose word it takes for whom a connection is from. */
#include "config/sections.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "config/reader.h"

/* What may have been meant by what is no network. */
static struct word guess_network(const char *text, int error)
{
	struct word hint = { "" };

	if (error == ERR_LIMIT) {
		snprintf(hint.text, sizeof(hint.text),
		    "bits of the address are set behind its prefix");
	} else if (strcmp(text, "*") == 0) {
		snprintf(hint.text, sizeof(hint.text),
		    "every address is '0.0.0.0/0' and '::/0'");
	} else if (strcmp(text, "localhost") == 0) {
		snprintf(hint.text, sizeof(hint.text), "'127.0.0.1' and '::1'");
	}
	return hint;
}

static void read_network(const struct node *node, struct config_listener *listener)
{
	const char *text = json_string_value(node->json);
	struct network network;
	int rc;

	if (!reader_expect(node, JSON_STRING)) {
		return;
	}
	if (strcmp(text, "unix") == 0) {
		listener->proxies_unix = true;
		return;
	}
	rc = network_parse(text, &network);
	if (rc == 0) {
		listener->proxies = memory_grow(listener->proxies,
		    listener->proxy_count + 1, sizeof(*listener->proxies));
		listener->proxies[listener->proxy_count++] = network;
	} else {
		node_problem(node, guess_network(text, rc).text,
		    "expected ADDRESS, NETWORK/BITS or 'unix', found %s",
		    word_of(text).text);
	}
}

static void read_from(const struct node *node, void *target)
{
	struct node child = { 0 };

	if (!reader_expect(node, JSON_ARRAY)) {
		return;
	}
	if (json_array_size(node->json) == 0) {
		node_problem(node, "nobody could connect",
		    "expected at least one address, found none");
	}
	while (node_next(node, &child)) {
		read_network(&child, target);
	}
}

static const struct key proxy_keys[] = {
	{ KEY("from", OTHER), .read = read_from, .required = true },
	{ .name = NULL }
};

void proxies_read(const struct node *node, void *target)
{
	struct config_listener *listener = target;

	listener->proxied = true;
	reader_object(node, proxy_keys, listener);
}
