/* SPDX-License-Identifier: MIT */
/* Listeners that are Unix sockets: their paths, and who may use them. */
#include "config/sections.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "config/reader.h"

#define SCHEME "unix:"
#define PATH_MAX_BYTES 107	/* of a socket's address, on Linux */
#define DEFAULT_MODE 0660

const char *config_unix_path(const char *host)
{
	size_t size = sizeof(SCHEME) - 1;

	return strncmp(host, SCHEME, size) == 0 ? host + size : NULL;
}

bool unix_parse_path(const struct node *node, struct config_listener *listener)
{
	const char *name = config_unix_path(listener->address);
	char *path;

	if (name[0] == '\0' || strcmp(name, "@") == 0) {
		node_problem(node, NULL, "expected unix:PATH or unix:@NAME, found %s",
		    word_of(listener->address).text);
		return false;
	}
	path = name[0] == '@' ? memory_text(name) :
	    reader_join(node->document->directory, name);
	if (strlen(path) > PATH_MAX_BYTES) {
		node_problem(node, NULL,
		    "expected a path of at most %d bytes, found %s, which has %zu",
		    PATH_MAX_BYTES, word_of(path).text, strlen(path));
		free(path);
		return false;
	}
	listener->host = memory_printf(SCHEME "%s", path);
	free(path);
	return true;
}

/* Three or four octal digits, a zero in front of four. */
static void check_mode(const struct node *node, struct config_listener *listener)
{
	const char *text = listener->mode_text;
	size_t size = strlen(text);

	if (strspn(text, "01234567") != size || size < 3 || size > 4 ||
	    (size == 4 && text[0] != '0')) {
		node_problem(node, NULL, "expected a mode as '0660', found %s",
		    word_of(text).text);
		return;
	}
	listener->mode = (uint32_t)strtoul(text, NULL, 8);
}

static void check_owner(const struct node *node, const char *owner)
{
	const char *colon = strchr(owner, ':');

	if (owner[0] == '\0' ||
	    (colon != NULL && (colon[1] == '\0' || strchr(colon + 1, ':') != NULL))) {
		node_problem(node, NULL, "expected USER, USER:GROUP or :GROUP, found %s",
		    word_of(owner).text);
	}
}

static void check_proxies(const struct node *node, const struct config_listener *listener,
    bool is_unix)
{
	if (is_unix && !listener->proxies_unix) {
		node_problem(node, "add 'unix' to 'from'",
		    "nobody who is listed can connect to a Unix socket");
	} else if (!is_unix && listener->proxies_unix) {
		node_problem(node, NULL, "'unix' goes with a Unix socket only");
	}
}

void unix_check(const struct node *node, struct config_listener *listener)
{
	static const char *const keys[] = { "mode", "owner" };
	const char *path = listener->address == NULL ? NULL :
	    config_unix_path(listener->address);
	bool has_file = path != NULL && path[0] != '@';
	struct node child;

	listener->mode = DEFAULT_MODE;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]) && !has_file; i++) {
		if (node_find(node, keys[i], &child)) {
			node_problem(&child, NULL,
			    "'%s' goes with a Unix socket that has a path only", keys[i]);
		}
	}
	if (has_file && listener->mode_text != NULL && node_find(node, "mode", &child)) {
		check_mode(&child, listener);
	}
	if (has_file && listener->owner != NULL && node_find(node, "owner", &child)) {
		check_owner(&child, listener->owner);
	}
	if (listener->proxied && node_find(node, "proxy_protocol", &child)) {
		check_proxies(&child, listener, path != NULL);
	}
}
