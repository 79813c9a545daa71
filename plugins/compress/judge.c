/* SPDX-License-Identifier: MIT */
/*
 * Is a reply to be compressed, and into what? RFC 9110: sections 12.5.3 (what the client
 * takes), 12.5.5 (what a cache must know), 8.8.3.3 (entity tags), 7.7 (transformations)
 * and 14 (ranges, which are of what the handler has, not of what we make of it).
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../accept.h"
#include "compress.h"

#define MAX_TYPE 127		/* RFC 6838 section 4.2 */

/* Fields that say something of the very bytes, or that there are not all of them. */
static const char *const fixing[] = { "content-encoding", "content-range",
	"content-digest", "repr-digest", "digest", "content-md5" };

/* Is there a word of that name in a list, like Vary or Cache-Control? */
static bool list_has(const char *list, const char *word)
{
	struct accept_item item;

	while (list != NULL && accept_next(&list, &item)) {
		if (item.size == strlen(word) &&
		    strncasecmp(item.name, word, item.size) == 0) {
			return true;
		}
	}
	return false;
}

/* Does the type fit the pattern, where "*" stands for any characters? */
static bool fits(const char *pattern, const char *type, size_t size)
{
	const char *star = NULL;	/* behind the last one met, and */
	size_t tried = 0;		/* how far it reaches at present */
	size_t i = 0;

	while (i < size) {
		if (*pattern == '*') {
			star = ++pattern;
			tried = i;
		} else if (*pattern != '\0' && tolower((unsigned char)*pattern) ==
		    tolower((unsigned char)type[i])) {
			pattern++;
			i++;
		} else if (star != NULL) {
			pattern = star;
			i = ++tried;
		} else {
			return false;
		}
	}
	return pattern[strspn(pattern, "*")] == '\0';
}

/* Events come one by one and are short: who wants them compressed has to name them. */
static bool is_events(const char *type, size_t size)
{
	return fits("text/event-stream", type, size);
}

static bool type_is_worth_it(const struct compress *compress, const char *type)
{
	size_t size = type != NULL ? strcspn(type, "; \t") : 0;

	if (size == 0 || size > MAX_TYPE) {
		return false;
	}
	for (size_t i = 0; i < compress->type_count; i++) {
		const char *pattern = compress->types[i];

		if (fits(pattern, type, size) &&
		    (strchr(pattern, '*') == NULL || !is_events(type, size))) {
			return true;
		}
	}
	return false;
}

/* May nobody change the content, or has somebody else coded it? */
static bool is_fixed(const tc_req *r)
{
	for (size_t i = 0; i < sizeof fixing / sizeof *fixing; i++) {
		if (tc.reply_header(r, fixing[i]) != NULL) {
			return true;
		}
	}
	return list_has(tc.reply_header(r, "cache-control"), "no-transform");
}

/* What the client likes best, and of equals we; NULL: the content as it is. */
static const struct choice *choose(const tc_req *r, const struct compress *compress)
{
	const struct choice *best = NULL;
	int most;

	if (tc.header(r, "accept-encoding") == NULL) {
		return NULL;
	}
	most = accept_plain(r) - 1;
	for (size_t i = 0; i < compress->choice_count; i++) {
		int weight = accept_coding(r, compress->choices[i].coding->name);

		if (weight > most) {
			most = weight;
			best = &compress->choices[i];
		}
	}
	return best;
}

struct verdict judge(const tc_req *r, const struct compress *compress, int status)
{
	const char *length = tc.reply_header(r, "content-length");
	struct verdict verdict = { .length = length != NULL ? strtoll(length, NULL, 10) :
	    -1 };

	if (status == 304) {
		/* Varies as a 200 would (section 15.4.5), but has no type to tell. */
		verdict.varies = true;
		return verdict;
	}
	if (status == 204 || status == 205 ||
	    !type_is_worth_it(compress, tc.reply_header(r, "content-type"))) {
		return verdict;
	}
	/* A part varies as the whole does, whose other parts the client might ask for. */
	verdict.varies = status == 206 || !is_fixed(r);
	if (status != 206 && verdict.varies &&
	    (verdict.length < 0 || verdict.length >= compress->min_bytes)) {
		verdict.choice = choose(r, compress);
	}
	return verdict;
}

bool judge_vary(const tc_req *r)
{
	const char *vary = tc.reply_header(r, "vary");

	return list_has(vary, "accept-encoding") || list_has(vary, "*");
}

/* Does the client have something with this tag made weak, that is, compressed by us? */
static bool has_compressed(const tc_req *r, const char *etag)
{
	size_t size = strlen(etag);
	const char *name;
	const char *value;

	for (size_t i = 0; tc.header_at(r, i, &name, &value); i++) {
		if (strcmp(name, "if-none-match") != 0) {
			continue;
		}
		for (; (value = strstr(value, "W/")) != NULL; value += 2) {
			if (strncmp(value + 2, etag, size) == 0) {
				return true;
			}
		}
	}
	return false;
}

bool judge_etag(const tc_req *r, int status, bool compressed)
{
	const char *etag = tc.reply_header(r, "etag");

	return etag != NULL && *etag == '"' &&
	    (compressed || (status == 304 && has_compressed(r, etag)));
}
