/* SPDX-License-Identifier: MIT */
/* The settings of compress, and the media types that are worth it unless they say so. */
#include <stdlib.h>
#include <string.h>

#include "compress.h"

#define TOKEN "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" \
	"!#$%&'*+-.^_`|~"

/* What is compressed in itself (pictures, films, archives, WOFF fonts) is not here. */
static const char *const default_types[] = {
	"text/*", "*/*+json", "*/*+xml", "application/javascript", "application/json",
	"application/jsonlines", "application/manifest", "application/rtf",
	"application/vnd.ms-fontobject", "application/wasm", "application/x-javascript",
	"application/x-ndjson", "application/xml", "application/yaml", "font/otf",
	"font/ttf", "image/bmp", "image/svg+xml", "image/vnd.microsoft.icon",
	"image/x-icon",
};

#define DEFAULT_TYPES (sizeof default_types / sizeof *default_types)

static const struct coding *find_coding(const char *name)
{
	for (size_t i = 0; codings[i] != NULL; i++) {
		if (strcmp(codings[i]->name, name) == 0) {
			return codings[i];
		}
	}
	return NULL;
}

/* The i-th text of a list; NULL if it is null, or none, which the server tells. */
static const char *list_text(tc_conf *cf, const char *list, int i, char key[64])
{
	snprintf(key, 64, "%s.%d", list, i);
	return tc.conf_str(cf, key, NULL);
}

/* Is there nothing at that key, or null? */
static bool is_absent(tc_conf *cf, const char *key)
{
	size_t size;
	const char *json = tc.conf_json(cf, key, &size);

	return json == NULL || strcmp(json, "null") == 0;
}

/* The length of a list, or -1 if it is not there; -2, told, if something else is. */
static int list_length(tc_conf *cf, const char *list)
{
	int count = tc.conf_len(cf, list);

	if (count < 0 && is_absent(cf, list)) {
		return -1;
	}
	if (count <= 0 || tc.conf_name(cf, list, 0) != NULL) {
		tc.conf_error(cf, list, "expected a list that is not empty");
		return -2;
	}
	return count;
}

static int add_choice(tc_conf *cf, struct compress *compress, const char *name,
    const char *key)
{
	const struct coding *coding = find_coding(name);
	char message[64] = "expected one of";

	for (size_t i = 0; i < compress->choice_count; i++) {
		if (compress->choices[i].coding == coding) {
			return tc.conf_error(cf, key, "named twice");
		}
	}
	if (coding != NULL) {
		compress->choices[compress->choice_count++].coding = coding;
		return TC_OK;
	}
	for (size_t i = 0; codings[i] != NULL; i++) {
		size_t used = strlen(message);

		snprintf(message + used, sizeof message - used, " '%s'",
		    codings[i]->name);
	}
	return tc.conf_error(cf, key, message);
}

static int read_codings(tc_conf *cf, struct compress *compress)
{
	int count = list_length(cf, "codings");
	int result = TC_OK;

	for (size_t i = 0; count == -1 && codings[i] != NULL; i++) {
		compress->choices[compress->choice_count++].coding = codings[i];
	}
	for (int i = 0; i < count && result == TC_OK; i++) {
		char key[64];
		const char *name = list_text(cf, "codings", i, key);

		if (name != NULL) {
			result = add_choice(cf, compress, name, key);
		}
	}
	return count < -1 ? TC_INVALID : result;
}

/* Asks for the level of every coding, used or not: it is no unknown setting. */
static int read_levels(tc_conf *cf, struct compress *compress)
{
	if (tc.conf_len(cf, "levels") < 0 && !is_absent(cf, "levels")) {
		return tc.conf_error(cf, "levels", "expected an object: { \"gzip\": 5 }");
	}
	for (size_t i = 0; codings[i] != NULL; i++) {
		const struct coding *coding = codings[i];
		char key[64];
		int level;

		snprintf(key, sizeof key, "levels.%s", coding->name);
		level = (int)tc.conf_int(cf, key, coding->default_level,
		    coding->min_level, coding->max_level);
		for (size_t k = 0; k < compress->choice_count; k++) {
			if (compress->choices[k].coding == coding) {
				compress->choices[k].level = level;
			}
		}
	}
	return TC_OK;
}

static bool is_type(const char *text)
{
	size_t family = strspn(text, TOKEN);
	size_t kind = text[family] == '/' ? strspn(text + family + 1, TOKEN) : 0;

	return family > 0 && kind > 0 && text[family + 1 + kind] == '\0';
}

static int add_types(tc_conf *cf, struct compress *compress, int count)
{
	int result = TC_OK;

	for (int i = 0; i < count; i++) {
		char key[64];
		const char *type = list_text(cf, "types", i, key);

		if (type != NULL && is_type(type)) {
			compress->types[compress->type_count++] = type;
		} else if (type != NULL) {
			result = tc.conf_error(cf, key,
			    "expected a media type: 'text/html', 'text/*'");
		}
	}
	return result;
}

static int read_types(tc_conf *cf, struct compress *compress)
{
	int count = list_length(cf, "types");
	size_t room = count > 0 ? (size_t)count : DEFAULT_TYPES;

	if (count < -1) {
		return TC_INVALID;
	}
	compress->types = calloc(room, sizeof *compress->types);
	if (compress->types == NULL) {
		return TC_NOMEM;
	}
	if (count > 0) {
		return add_types(cf, compress, count);
	}
	memcpy(compress->types, default_types, sizeof default_types);
	compress->type_count = DEFAULT_TYPES;
	return TC_OK;
}

int compress_read(tc_conf *cf, struct compress *compress)
{
	int codings_result = read_codings(cf, compress);
	int levels_result = read_levels(cf, compress);
	int types_result = read_types(cf, compress);

	compress->min_bytes = tc.conf_int(cf, "min_bytes", 1024, 0, INT64_MAX);
	return codings_result != TC_OK ? codings_result :
	    levels_result != TC_OK ? levels_result : types_result;
}

void compress_release(struct compress *compress)
{
	free(compress->types);
}
