/* SPDX-License-Identifier: MIT */
/* The "methods" of a route: a mask of those tincan knows, a list of the rest. */
#include "config/methods.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "config/reader.h"
#include "http/head.h"
#include "http/message.h"

/* In the order of enum http_method. */
static const char *const names[] = {
	"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"
};

#define NAME_COUNT (sizeof(names) / sizeof(names[0]))

static size_t count_others(char *const *others)
{
	size_t count = 0;

	while (others != NULL && others[count] != NULL) {
		count++;
	}
	return count;
}

static bool has_other(char *const *others, const char *name)
{
	for (; others != NULL && *others != NULL; others++) {
		if (strcmp(*others, name) == 0) {
			return true;
		}
	}
	return false;
}

static bool has_lower_case(const char *name)
{
	return name[strcspn(name, "abcdefghijklmnopqrstuvwxyz")] != '\0';
}

/* Is it a method that a route can have? If not, says so. */
static bool check_name(const struct node *node, const char *name)
{
	struct word guess = word_guess(name, names, NAME_COUNT);

	if (!head_name_valid(slice_of(name))) {
		node_problem(node, NULL, "%s is no method", word_of(name).text);
	} else if (has_lower_case(name)) {
		node_problem(node, guess.text, "expected a method in capitals, found %s",
		    word_of(name).text);
	} else if (strcmp(name, "CONNECT") == 0) {
		/* RFC 9110 section 9.3.6: its target is a host and port, never a path. */
		node_problem(node, NULL, "'CONNECT' has no path to route by");
	} else {
		return true;
	}
	return false;
}

static void add_other(char ***others, const char *name)
{
	size_t count = count_others(*others);

	*others = memory_grow(*others, count + 2, sizeof(**others));
	(*others)[count] = memory_text(name);
	(*others)[count + 1] = NULL;
}

static void read_method(const struct node *node, uint32_t *mask, char ***others)
{
	const char *name = json_string_value(node->json);
	enum http_method method;

	if (!reader_expect(node, JSON_STRING) || !check_name(node, name)) {
		return;
	}
	method = http_method_of(slice_of(name));
	if ((*mask & method) != 0 || has_other(*others, name)) {
		node_problem(node, NULL, "%s is listed twice", word_of(name).text);
	} else if (method != HTTP_OTHER) {
		*mask |= method;
	} else {
		add_other(others, name);
	}
}

void methods_read(const struct node *node, uint32_t *mask, char ***others)
{
	struct node child = { 0 };

	if (!reader_expect(node, JSON_ARRAY)) {
		return;
	}
	if (json_array_size(node->json) == 0) {
		node_problem(node, "without 'methods' a route takes every method",
		    "expected at least one method, found none");
	}
	while (node_next(node, &child)) {
		read_method(&child, mask, others);
	}
}

static bool takes_all(const struct config_route *route)
{
	return route->methods == 0 && route->other_methods == NULL;
}

static void append_name(struct word *list, const char *name)
{
	size_t size = strlen(list->text);

	snprintf(list->text + size, sizeof(list->text) - size, "%s%s",
	    size == 0 ? "" : ", ", name);
}

struct word methods_common(const struct config_route *a, const struct config_route *b)
{
	struct word list = { "" };
	uint32_t both = takes_all(a) ? b->methods : takes_all(b) ? a->methods :
	    a->methods & b->methods;
	char *const *others = takes_all(a) ? b->other_methods : a->other_methods;

	if (takes_all(a) && takes_all(b)) {
		return (struct word){ "any method" };
	}
	for (size_t i = 0; i < NAME_COUNT; i++) {
		if (both & http_method_of(slice_of(names[i]))) {
			append_name(&list, names[i]);
		}
	}
	for (; others != NULL && *others != NULL; others++) {
		if (takes_all(a) || takes_all(b) ||
		    has_other(b->other_methods, *others)) {
			append_name(&list, *others);
		}
	}
	return list;
}
