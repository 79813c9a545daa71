/* SPDX-License-Identifier: MIT */
/*
 * Directories: the redirect to a name with a slash, and the page of what is in one, for
 * routes with "listing": true. File names are bytes that anybody may have chosen: they
 * are escaped wherever they go.
 */
#define _GNU_SOURCE 1	/* O_PATH */
#include "files.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define MAX_ENTRIES 10000	/* a page with more helps nobody and blocks the loop */

struct entry {
	char *name;	/* owned */
	bool directory;
	int64_t size;
	time_t modified;
};

struct entries {
	struct entry *items;	/* owned */
	size_t count;
	size_t capacity;
	bool more;
};

static void out_url(struct out *out, const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < 0x80 && (isalnum(c) || strchr("-._~", c) != NULL)) {
			out_bytes(out, &c, 1);
		} else {
			out_printf(out, "%%%02X", c);
		}
	}
}

static void out_html(struct out *out, const char *text)
{
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '&':
			out_text(out, "&amp;");
			break;
		case '<':
			out_text(out, "&lt;");
			break;
		case '>':
			out_text(out, "&gt;");
			break;
		case '"':
			out_text(out, "&quot;");
			break;
		default:
			out_bytes(out, text, 1);
		}
	}
}

/*
 * The place is said relative to itself, "./docs/": true behind any proxy that mounts us
 * elsewhere, and no name, be it "//evil.example", can make it lead to another host.
 */
int directory_redirect(tc_req *r)
{
	const char *name = strrchr(tc.path(r), '/') + 1;
	const char *query = tc.query(r);
	struct out place = { 0 };
	int result = TC_NOMEM;

	out_text(&place, "./");
	out_url(&place, name, strlen(name));
	out_text(&place, "/");
	if (*query != '\0') {
		out_text(&place, "?");
		out_text(&place, query);
	}
	if (!place.failed) {
		result = tc.set_header(r, "Location", place.data);
	}
	free(place.data);
	return result == TC_OK ? tc.text(r, 308, "308 Permanent Redirect\n") : result;
}

static bool add_entry(struct entries *entries, const char *name, const struct stat *st)
{
	if (entries->count == entries->capacity) {
		size_t capacity = entries->capacity > 0 ? entries->capacity * 2 : 64;
		struct entry *items = realloc(entries->items, capacity * sizeof *items);

		if (items == NULL) {
			return false;
		}
		entries->items = items;
		entries->capacity = capacity;
	}
	entries->items[entries->count] = (struct entry){
		strdup(name), S_ISDIR(st->st_mode), st->st_size, st->st_mtime
	};
	return entries->items[entries->count++].name != NULL;
}

/* What cannot be served is not shown, so each entry is opened by the same rules. */
static bool read_entry(struct folder *folder, const char *name, const char *entry,
    struct entries *entries)
{
	struct out path = { 0 };
	struct file file;
	bool result = true;

	if (strcmp(entry, ".") == 0 || strcmp(entry, "..") == 0 ||
	    !name_allowed(folder, entry)) {
		return true;
	}
	out_text(&path, name);
	out_text(&path, entry);
	if (path.failed) {
		free(path.data);
		return false;
	}
	if (file_open(folder, path.data, O_PATH, &file) == 0) {
		result = add_entry(entries, entry, &file.st);
		close(file.fd);
	}
	free(path.data);
	return result;
}

/* Takes fd. */
static bool read_entries(struct folder *folder, const char *name, int fd,
    struct entries *entries)
{
	DIR *directory = fdopendir(fd);
	struct dirent *dirent;
	bool result = true;

	if (directory == NULL) {
		close(fd);
		return false;
	}
	while (result && (dirent = readdir(directory)) != NULL) {
		entries->more = entries->count == MAX_ENTRIES;
		if (entries->more) {
			break;
		}
		result = read_entry(folder, name, dirent->d_name, entries);
	}
	closedir(directory);
	return result;
}

static void entries_release(struct entries *entries)
{
	for (size_t i = 0; i < entries->count; i++) {
		free(entries->items[i].name);
	}
	free(entries->items);
}

/* Directories first, then by name; capitals count only where nothing else differs. */
static int compare(const void *left, const void *right)
{
	const struct entry *a = left;
	const struct entry *b = right;
	int order = strcasecmp(a->name, b->name);

	if (a->directory != b->directory) {
		return a->directory ? -1 : 1;
	}
	return order != 0 ? order : strcmp(a->name, b->name);
}

static void put_size(struct out *out, int64_t size)
{
	static const char *const units[] = { "kB", "MB", "GB", "TB", "PB", "EB" };
	double value = (double)size;
	size_t unit = 0;

	if (size < 1000) {
		out_printf(out, "%d B", (int)size);
		return;
	}
	for (value /= 1000; value >= 999.95 && unit < 5; value /= 1000) {
		unit++;
	}
	out_printf(out, "%.1f %s", value, units[unit]);
}

static void put_entry(struct out *out, const struct entry *entry)
{
	const char *slash = entry->directory ? "/" : "";
	struct tm tm = { .tm_mday = 1 };

	out_text(out, "<tr><td><a href=\"");
	out_url(out, entry->name, strlen(entry->name));
	out_printf(out, "%s\">", slash);
	out_html(out, entry->name);
	out_printf(out, "%s</a><td>", slash);
	if (!entry->directory) {
		put_size(out, entry->size);
	}
	gmtime_r(&entry->modified, &tm);
	out_printf(out, "<td>%04d-%02d-%02d %02d:%02d\n", tm.tm_year + 1900,
	    tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min);
}

static void put_page(struct out *out, const char *path, bool parent,
    const struct entries *entries)
{
	static const char style[] =
	    "<meta name=\"viewport\" content=\"width=device-width\">\n<style>\n"
	    ":root { color-scheme: light dark }\n"
	    "body { font: 1rem/1.6 system-ui, sans-serif; max-width: 50rem; "
	    "margin: 2rem auto; padding: 0 1rem }\n"
	    "h1 { font-size: 1.3rem; overflow-wrap: anywhere }\n"
	    "table { width: 100%; border-collapse: collapse }\n"
	    "td { padding: .1rem .5rem; border-top: 1px solid #8884 }\n"
	    "td + td { text-align: right; white-space: nowrap }\n"
	    "td:first-child { width: 99%; overflow-wrap: anywhere }\n"
	    "a { text-decoration: none } a:hover { text-decoration: underline }\n"
	    "</style>\n";

	out_text(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n");
	out_text(out, "<title>");
	out_html(out, path);
	out_text(out, "</title>\n");
	out_text(out, style);
	out_text(out, "<h1>");
	out_html(out, path);
	out_text(out, "</h1>\n<table>\n");
	if (parent) {
		out_text(out, "<tr><td><a href=\"../\">../</a><td><td>\n");
	}
	for (size_t i = 0; i < entries->count; i++) {
		put_entry(out, &entries->items[i]);
	}
	out_text(out, "</table>\n");
	if (entries->more) {
		out_printf(out, "<p>These are %d; there may be more.\n", MAX_ENTRIES);
	}
}

int directory_list(tc_req *r, struct folder *folder, const char *name, int fd)
{
	struct entries entries = { 0 };
	struct out out = { 0 };

	if (!read_entries(folder, name, fd, &entries)) {
		entries_release(&entries);
		return TC_NOMEM;
	}
	if (entries.count > 0) {
		qsort(entries.items, entries.count, sizeof *entries.items, compare);
	}
	put_page(&out, tc.path(r), *name != '\0', &entries);
	entries_release(&entries);
	/* No scripts here: a second line of defence behind the escapes. */
	tc.set_header(r, "Content-Security-Policy",
	    "default-src 'none'; style-src 'unsafe-inline'");
	return out_reply(r, 200, "text/html; charset=utf-8", &out);
}
