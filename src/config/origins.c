/* SPDX-License-Identifier: MIT */
/* The "origins" of a route: whose pages may open a WebSocket there. */
#include "config/origins.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "config/reader.h"
#include "http/url.h"

/* What an origin says: scheme://authority; scheme's data is NULL without "://". */
struct origin {
	struct slice scheme;
	struct slice authority;
	const char *rest;	/* a path and what follows: none of an origin's */
};

static struct origin split(const char *text)
{
	const char *mark = strstr(text, "://");
	struct origin origin = { .scheme = { NULL, 0 } };

	if (mark != NULL) {
		origin.scheme = (struct slice){ text, (size_t)(mark - text) };
		text = mark + strlen("://");
	}
	origin.authority = (struct slice){ text, strcspn(text, "/?#") };
	origin.rest = text + origin.authority.size;
	return origin;
}

static bool is_scheme(struct slice scheme)
{
	if (scheme.size == 0 || !isalpha((unsigned char)scheme.data[0])) {
		return false;
	}
	for (size_t i = 0; i < scheme.size; i++) {
		unsigned char c = (unsigned char)scheme.data[i];

		if (!isalnum(c) && c != '+' && c != '-' && c != '.') {
			return false;
		}
	}
	return true;
}

/* The origin is that of a page, and no page is loaded over WebSocket. */
static bool is_websocket(struct slice scheme)
{
	return slice_equal_nocase(scheme, SLICE("ws")) ||
	    slice_equal_nocase(scheme, SLICE("wss"));
}

/* Names as browsers have them: of the other characters of RFC 3986 "*" and "," at least
 * would be taken for something that they are not. */
static bool is_authority(struct slice authority)
{
	for (size_t i = 0; i < authority.size; i++) {
		unsigned char c = (unsigned char)authority.data[i];

		if (!isalnum(c) && strchr("-._:[]", c) == NULL) {
			return false;
		}
	}
	return url_authority_valid(authority);
}

static bool is_origin(const struct origin *origin)
{
	return is_scheme(origin->scheme) && !is_websocket(origin->scheme) &&
	    is_authority(origin->authority) && *origin->rest == '\0';
}

/* What the user may have meant. */
static struct word guess_origin(const char *text, const struct origin *origin)
{
	bool has_scheme = is_scheme(origin->scheme) && !is_websocket(origin->scheme);
	struct slice scheme = has_scheme ? origin->scheme : SLICE("https");
	struct word hint = { "" };
	char *meant;

	if (strcmp(text, "null") == 0 || strchr(text, '*') != NULL) {
		return (struct word){ "'*' alone is every page" };
	}
	if (!is_authority(origin->authority)) {
		return hint;
	}
	meant = memory_printf("%.*s://%.*s", (int)scheme.size, scheme.data,
	    (int)origin->authority.size, origin->authority.data);
	snprintf(hint.text, sizeof(hint.text), "%s %.200s",
	    has_scheme ? "an origin has no path:" : "did you mean", word_of(meant).text);
	free(meant);
	return hint;
}

/* Takes the ending off, if the text has it. */
static void cut(char *text, const char *ending)
{
	size_t size = strlen(text);
	size_t end = strlen(ending);

	if (size >= end && strcmp(text + size - end, ending) == 0) {
		text[size - end] = '\0';
	}
}

/* As browsers write it: in small letters, without the scheme's own port. */
static char *canonical(const char *text)
{
	char *origin = memory_text(text);

	for (char *c = origin; *c != '\0'; c++) {
		*c = (char)tolower((unsigned char)*c);
	}
	if (strncmp(origin, "https:", 6) == 0) {
		cut(origin, ":443");
	} else if (strncmp(origin, "http:", 5) == 0) {
		cut(origin, ":80");
	}
	cut(origin, ":");
	return origin;
}

static void add(const struct node *node, char ***origins, const char *text)
{
	char *origin = canonical(text);
	size_t count = 0;

	while (*origins != NULL && (*origins)[count] != NULL) {
		if (strcmp((*origins)[count++], origin) == 0) {
			node_problem(node, NULL, "%s is listed twice",
			    word_of(origin).text);
			free(origin);
			return;
		}
	}
	*origins = memory_grow(*origins, count + 2, sizeof(**origins));
	(*origins)[count] = origin;
	(*origins)[count + 1] = NULL;
}

static void read_origin(const struct node *node, char ***origins)
{
	const char *text = json_string_value(node->json);
	struct origin origin;

	if (!reader_expect(node, JSON_STRING)) {
		return;
	}
	origin = split(text);
	if (strcmp(text, "*") == 0 || is_origin(&origin)) {
		add(node, origins, text);
	} else {
		node_problem(node, guess_origin(text, &origin).text,
		    "expected '*' or SCHEME://HOST[:PORT], found %s", word_of(text).text);
	}
}

void origins_read(const struct node *node, char ***origins)
{
	struct node child = { 0 };

	if (!reader_expect(node, JSON_ARRAY)) {
		return;
	}
	if (json_array_size(node->json) == 0) {
		node_problem(node, "without 'origins' it is the server's own pages",
		    "expected at least one origin, found none");
	}
	while (node_next(node, &child)) {
		read_origin(&child, origins);
	}
}
