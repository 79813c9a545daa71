/* SPDX-License-Identifier: MIT */
/*
 * files: a directory over HTTP. This file reads the settings and says in which order a
 * request is answered; files.h lists the parts.
 *
 *	root		the folder to serve; needed
 *	index		what a directory shows, "index.html"
 *	listing		false; true: a directory without an index shows what is in it
 *	symlinks	false; true: follow symbolic links that stay inside the root
 *			(relative ones; an absolute one starts outside)
 *	hidden		false; true: serve names that start with a dot, too
 *	precompressed	true: "a.css.br", ".zst" and ".gz" for clients that take them
 *	max_age		seconds a client may keep a file without asking again
 *	types		{ "extension": "media/type" }, beyond the built-in ones
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"

static int root_error(tc_conf *cf, const char *root)
{
	char message[512];

	snprintf(message, sizeof message, "cannot open '%s': %s", root, strerror(errno));
	return tc.conf_error(cf, "root", message);
}

static int read_settings(tc_conf *cf, struct folder *folder)
{
	struct file file;

	folder->root = tc.conf_path(cf, "root", NULL);
	folder->index = tc.conf_str(cf, "index", "index.html");
	folder->listing = tc.conf_bool(cf, "listing", 0);
	folder->symlinks = tc.conf_bool(cf, "symlinks", 0);
	folder->hidden = tc.conf_bool(cf, "hidden", 0);
	folder->precompressed = tc.conf_bool(cf, "precompressed", 1);
	folder->max_age = tc.conf_int(cf, "max_age", -1, 0, INT32_MAX);
	if (*folder->index == '\0' || strchr(folder->index, '/') != NULL) {
		return tc.conf_error(cf, "index", "expected the name of a file");
	}
	if (folder->root == NULL) {
		return tc.conf_error(cf, "root", "missing: the folder to serve");
	}
	if (folder_open(folder) != TC_OK) {
		return root_error(cf, folder->root);
	}
	/* Finds out now whether this kernel, or a sandbox around us, has no openat2. */
	if (file_open(folder, "", 0, &file) != 0) {
		return root_error(cf, folder->root);
	}
	close(file.fd);
	return types_open(folder, cf);
}

static void close_route(void *state)
{
	struct folder *folder = state;

	if (folder->root_fd >= 0) {
		close(folder->root_fd);
	}
	free(folder->types);
	free(folder);
}

static int open_route(tc_conf *cf, void **state)
{
	struct folder *folder = calloc(1, sizeof *folder);
	int result;

	if (folder == NULL) {
		return TC_NOMEM;
	}
	folder->root_fd = -1;
	result = read_settings(cf, folder);
	if (result != TC_OK) {
		close_route(folder);	/* the server closes only what was opened */
		return result;
	}
	*state = folder;
	return TC_OK;
}

static int reply_error(tc_req *r, int status)
{
	static const char format[] = "<!DOCTYPE html>\n<html lang=\"en\">\n"
	    "<title>%s</title>\n<style>:root { color-scheme: light dark }\n"
	    "h1 { font: 1.5rem system-ui; text-align: center; margin: 20vh }\n"
	    "</style>\n<h1>%s</h1>\n";
	const char *what = status == 403 ? "403 Forbidden" :
	    status == 404 ? "404 Not Found" : "503 Service Unavailable";
	char *page = tc_printf(r, format, what, what);

	return tc.reply(r, status, "text/html; charset=utf-8", page,
	    page != NULL ? strlen(page) : 1);
}

/* Takes file->fd. */
static int reply_file(tc_req *r, struct folder *folder, const char *name,
    struct file *file)
{
	struct validators validators;
	int status;

	file->type = type_of(folder, name);
	if (folder->precompressed) {
		encoding_choose(r, folder, name, file);
	}
	if (folder->max_age >= 0) {
		tc.set_header(r, "Cache-Control",
		    tc_printf(r, "max-age=%lld", (long long)folder->max_age));
	}
	validators_of(file, &validators);
	status = conditions_check(r, &validators);
	if (status == 0) {
		return ranges_reply(r, file, &validators);
	}
	close(file->fd);
	if (status == 412) {
		return tc.text(r, 412, "412 Precondition Failed\n");
	}
	tc.set_header(r, "ETag", validators.etag);
	return tc.reply(r, 304, NULL, "", 0);
}

/* name is "" or ends in a slash: its index or, where that is allowed, a listing. */
static int reply_directory(tc_req *r, struct folder *folder, const char *name)
{
	char *index = tc_printf(r, "%s%s", name, folder->index);
	struct file file;
	int status;

	if (index == NULL) {
		return TC_NOMEM;
	}
	status = file_open(folder, index, 0, &file);
	if (status == 0 && S_ISREG(file.st.st_mode)) {
		return reply_file(r, folder, index, &file);
	}
	if (status == 0) {
		close(file.fd);
		status = 404;
	}
	if (status == 404 && folder->listing) {
		status = file_open(folder, name, 0, &file);
		if (status == 0) {
			return directory_list(r, folder, name, file.fd);
		}
	}
	return reply_error(r, status);
}

static int serve(tc_req *r)
{
	struct folder *folder = tc.state(r);
	const char *name = tc.tail(r);
	const char *path = tc.path(r);
	const char *method = tc.method(r);
	struct file file;
	int status;

	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
		tc.set_header(r, "Allow", "GET, HEAD");
		return tc.text(r, 405, "405 Method Not Allowed\n");
	}
	/* Whoever may upload a picture must not get it run as a script. */
	tc.set_header(r, "X-Content-Type-Options", "nosniff");
	if (!name_allowed(folder, name)) {
		return reply_error(r, 404);
	}
	if (path[strlen(path) - 1] == '/') {
		return reply_directory(r, folder, name);
	}
	status = file_open(folder, name, 0, &file);
	if (status != 0) {
		return reply_error(r, status);
	}
	if (S_ISDIR(file.st.st_mode)) {
		close(file.fd);
		return directory_redirect(r);
	}
	return reply_file(r, folder, name, &file);
}

TINCAN_HANDLER("files",
	.version = "1.0",
	.about = "a directory, with types, ranges, conditions and precompressed files",
	.route = "/files/*",
	.on_open = open_route,
	.on_close = close_route,
	.on_request = serve);
