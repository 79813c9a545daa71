/* SPDX-License-Identifier: MIT */
/*
 * Media types by file name extension. The table holds what web sites are made of; the
 * setting "types" adds to it or changes it. Text is said to be UTF-8, since a browser
 * left to guess would take it for the encoding of its user's country.
 */
#include "files.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define UTF8 "; charset=utf-8"

/* Sorted by extension, for bsearch. */
static const struct type known[] = {
	{ "7z", "application/x-7z-compressed" },
	{ "aac", "audio/aac" },
	{ "apng", "image/apng" },
	{ "atom", "application/atom+xml" UTF8 },
	{ "avif", "image/avif" },
	{ "bmp", "image/bmp" },
	{ "bz2", "application/x-bzip2" },
	{ "c", "text/x-c" UTF8 },
	{ "css", "text/css" UTF8 },
	{ "csv", "text/csv" UTF8 },
	{ "epub", "application/epub+zip" },
	{ "flac", "audio/flac" },
	{ "gif", "image/gif" },
	{ "gz", "application/gzip" },
	{ "h", "text/x-c" UTF8 },
	{ "htm", "text/html" UTF8 },
	{ "html", "text/html" UTF8 },
	{ "ico", "image/x-icon" },
	{ "ics", "text/calendar" UTF8 },
	{ "jpeg", "image/jpeg" },
	{ "jpg", "image/jpeg" },
	{ "js", "text/javascript" UTF8 },
	{ "json", "application/json" },
	{ "jsonld", "application/ld+json" },
	{ "jxl", "image/jxl" },
	{ "m4a", "audio/mp4" },
	{ "map", "application/json" },
	{ "md", "text/markdown" UTF8 },
	{ "mjs", "text/javascript" UTF8 },
	{ "mp3", "audio/mpeg" },
	{ "mp4", "video/mp4" },
	{ "oga", "audio/ogg" },
	{ "ogg", "audio/ogg" },
	{ "ogv", "video/ogg" },
	{ "opus", "audio/ogg" },
	{ "otf", "font/otf" },
	{ "pdf", "application/pdf" },
	{ "png", "image/png" },
	{ "rss", "application/rss+xml" UTF8 },
	{ "rtf", "application/rtf" },
	{ "svg", "image/svg+xml" UTF8 },
	{ "tar", "application/x-tar" },
	{ "tif", "image/tiff" },
	{ "tiff", "image/tiff" },
	{ "ttf", "font/ttf" },
	{ "txt", "text/plain" UTF8 },
	{ "vtt", "text/vtt" UTF8 },
	{ "wasm", "application/wasm" },
	{ "wav", "audio/wav" },
	{ "webm", "video/webm" },
	{ "webmanifest", "application/manifest+json" },
	{ "webp", "image/webp" },
	{ "woff", "font/woff" },
	{ "woff2", "font/woff2" },
	{ "xhtml", "application/xhtml+xml" UTF8 },
	{ "xml", "text/xml" UTF8 },
	{ "xz", "application/x-xz" },
	{ "yaml", "application/yaml" },
	{ "yml", "application/yaml" },
	{ "zip", "application/zip" },
	{ "zst", "application/zstd" },
};

static int compare(const void *extension, const void *type)
{
	return strcasecmp(extension, ((const struct type *)type)->extension);
}

const char *type_of(const struct folder *folder, const char *name)
{
	const char *slash = strrchr(name, '/');
	const char *dot = strrchr(slash != NULL ? slash : name, '.');
	const struct type *found;

	if (dot == NULL) {
		return "application/octet-stream";
	}
	for (size_t i = 0; i < folder->type_count; i++) {
		if (strcasecmp(folder->types[i].extension, dot + 1) == 0) {
			return folder->types[i].type;
		}
	}
	found = bsearch(dot + 1, known, sizeof known / sizeof *known, sizeof *known,
	    compare);
	return found != NULL ? found->type : "application/octet-stream";
}

/* One entry of "types"; key is its path in the settings. */
static int add_type(struct folder *folder, tc_conf *cf, const char *extension,
    const char *key)
{
	const char *type = tc.conf_str(cf, key, "");

	if (*extension == '\0' || strchr(extension, '.') != NULL) {
		return tc.conf_error(cf, key, "expected an extension without a dot");
	}
	if (strchr(type, '/') == NULL) {
		return tc.conf_error(cf, key, "expected a media type: 'text/plain'");
	}
	folder->types[folder->type_count++] = (struct type){ extension, type };
	return TC_OK;
}

int types_open(struct folder *folder, tc_conf *cf)
{
	int count = tc.conf_len(cf, "types");
	int result = TC_OK;

	if (count <= 0) {
		return TC_OK;
	}
	folder->types = calloc((size_t)count, sizeof *folder->types);
	if (folder->types == NULL) {
		return TC_NOMEM;
	}
	for (int i = 0; i < count; i++) {
		const char *extension = tc.conf_name(cf, "types", i);
		char key[128];

		if (extension == NULL) {
			return tc.conf_error(cf, "types", "expected an object");
		}
		snprintf(key, sizeof key, "types.%s", extension);
		if (add_type(folder, cf, extension, key) != TC_OK) {
			result = TC_INVALID;
		}
	}
	return result;
}
