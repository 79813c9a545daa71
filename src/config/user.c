/* SPDX-License-Identifier: MIT */
/* "user": whom workers and hosts become. Whether there is such a one, is asked later. */
#include "config/sections.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static bool is_user(const char *text)
{
	size_t size = strcspn(text, ":");
	const char *group = text[size] == '\0' ? NULL : text + size + 1;

	return size > 0 &&
	    (group == NULL || (group[0] != '\0' && strchr(group, ':') == NULL));
}

void user_read(const struct node *node, void *target)
{
	struct config *config = target;
	const char *text = json_string_value(node->json);

	if (json_is_null(node->json)) {
		return;
	}
	if (text == NULL) {
		node_mismatch(node, "a string or null");
	} else if (!is_user(text)) {
		node_problem(node, NULL, "expected USER or USER:GROUP, found %s",
		    word_of(text).text);
	} else {
		config->user = memory_text(text);
		config->user_where = node_where(node);
	}
}

void user_free(struct config *config)
{
	free(config->user);
	free(config->user_where);
}
