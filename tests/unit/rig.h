/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the exchange and plugin rooms share: folders of their own with
 * handlers of tests/plugins in them, a request to answer, and the reply as bytes.
 */
#ifndef TINCAN_TESTS_RIG_H
#define TINCAN_TESTS_RIG_H

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exchange/exchange.h"
#include "folder.h"
#include "plugin/plugin.h"

struct rig {
	char root[FOLDER_BYTES];
	char plugins[80];	/* the plugin directory */
	char state[80];		/* the state directory */
	struct plugin_set set;
	struct problems problems;
};

static inline void rig_open(struct rig *rig)
{
	memset(rig, 0, sizeof(*rig));
	folder_make(rig->root);
	snprintf(rig->plugins, sizeof(rig->plugins), "%s/plugins", rig->root);
	snprintf(rig->state, sizeof(rig->state), "%s/run", rig->root);
	ck_assert_int_eq(mkdir(rig->plugins, 0755), 0);
	problems_init(&rig->problems);
}

static inline void rig_close(struct rig *rig)
{
	plugin_set_release(&rig->set);
	problems_release(&rig->problems);
	folder_remove(rig->root);
}

/* Writes a file into the plugin directory. */
static inline void rig_write(struct rig *rig, const char *file, const void *data,
    size_t size)
{
	char path[256];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", rig->plugins, file);
	(void)unlink(path);
	out = fopen(path, "wb");
	ck_assert_ptr_nonnull(out);
	ck_assert_uint_eq(fwrite(data, 1, size, out), size);
	ck_assert_int_eq(fchmod(fileno(out), 0644), 0);
	ck_assert_int_eq(fclose(out), 0);
}

/* Where the built handler of that name is. */
static inline void rig_path(const char *name, char path[512])
{
	const char *folder = getenv("TINCAN_TEST_PLUGINS");

	snprintf(path, 512, "%s/%s.so", folder == NULL ? "tests/plugins" : folder, name);
}

/* The built handler of that name; the caller frees. */
static inline unsigned char *rig_read(const char *name, size_t *size)
{
	unsigned char *data;
	char path[512];
	FILE *in;

	rig_path(name, path);
	in = fopen(path, "rb");
	ck_assert_msg(in != NULL, "%s is not there: build the test handlers first", path);
	ck_assert_int_eq(fseek(in, 0, SEEK_END), 0);
	*size = (size_t)ftell(in);
	rewind(in);
	data = malloc(*size);
	ck_assert_ptr_nonnull(data);
	ck_assert_uint_eq(fread(data, 1, *size, in), *size);
	fclose(in);
	return data;
}

/* Puts a built handler into the plugin directory, as file. */
static inline void rig_add_as(struct rig *rig, const char *name, const char *file)
{
	size_t size;
	unsigned char *data = rig_read(name, &size);

	rig_write(rig, file, data, size);
	free(data);
}

static inline void rig_add(struct rig *rig, const char *name)
{
	char file[64];

	snprintf(file, sizeof(file), "%s.so", name);
	rig_add_as(rig, name, file);
}

static inline void rig_scan(struct rig *rig)
{
	plugin_set_release(&rig->set);
	plugin_scan(&rig->set, rig->plugins, rig->state, &rig->problems);
}

/* The plugin after a scan of nothing but it. */
static inline struct plugin *rig_scan_one(struct rig *rig, const char *name)
{
	rig_add(rig, name);
	rig_scan(rig);
	ck_assert_uint_eq(rig->set.count, 1);
	return &rig->set.items[0];
}

/* What the handlers of a test have logged, one line each, "handler request: text". */
struct rig_log {
	char text[2048];
	size_t size;
};

static struct rig_log rig_log;

static inline void rig_take_line(int level, const char *handler, const char *request,
    const char *text, size_t size)
{
	int added = snprintf(rig_log.text + rig_log.size,
	    sizeof(rig_log.text) - rig_log.size, "%d %s %s: %.*s\n", level,
	    handler == NULL ? "-" : handler, request == NULL ? "-" : request, (int)size,
	    text);

	rig_log.size += (size_t)added;
	ck_assert_uint_lt(rig_log.size, sizeof(rig_log.text));
}

static inline const void *rig_extension(const char *id)
{
	static const uint32_t table = sizeof(table);

	return strcmp(id, "test/1") == 0 ? &table : NULL;
}

static const struct plugin_services rig_services = {
	.log = rig_take_line,
	.ext = rig_extension };

/* Scans and loads one handler that must be fine. */
static inline struct plugin *rig_load(struct rig *rig, const char *name)
{
	struct plugin *plugin = rig_scan_one(rig, name);

	ck_assert_msg(plugin->refusal == NULL, "%s: %s", name, plugin->refusal);
	ck_assert_msg(plugin_load(plugin, &rig_services) == 0, "%s: %s", name,
	    plugin->refusal);
	return plugin;
}

/* A request and what became of it. */
struct rig_exchange {
	struct exchange exchange;	/* first: the ops find the rest */
	int wakes;
	char *body;			/* of the reply, as far as it was taken */
	size_t size;
};

static inline void rig_wake(struct exchange *exchange)
{
	((struct rig_exchange *)exchange)->wakes++;
}

static inline const char *rig_info(const struct exchange *exchange, const char *key)
{
	(void)exchange;
	return strcmp(key, "client.address") == 0 ? "192.0.2.1" : NULL;
}

static const struct exchange_ops rig_ops = { .wake = rig_wake, .info = rig_info };

static inline void rig_begin(struct rig_exchange *rig, enum http_method method,
    const char *path)
{
	struct exchange *exchange = &rig->exchange;
	struct request *request = &exchange->request;

	exchange_init(exchange, &rig_ops, rig);
	request_init(request, &exchange->arena, 8192, 64);
	buffer_init(&exchange->body, 4096);
	request->method_id = method;
	request->method = slice_of(http_method_name(method));
	request->target = slice_of(path);
	request->path = slice_of(path);
	snprintf(exchange->id, sizeof(exchange->id), "00000000deadbeef");
}

/* Takes what is queued, as a protocol would; the result of the last pieces_peek. */
static inline int rig_take(struct rig_exchange *rig)
{
	struct pieces *pieces = &rig->exchange.pieces;
	char scratch[700];
	struct slice part;
	int rc;

	while ((rc = pieces_peek(pieces, scratch, sizeof(scratch), &part)) == 0) {
		rig->body = realloc(rig->body, rig->size + part.size + 1);
		ck_assert_ptr_nonnull(rig->body);
		memcpy(rig->body + rig->size, part.data, part.size);
		rig->size += part.size;
		rig->body[rig->size] = '\0';
		pieces_consume(pieces, part.size);
	}
	return rc;
}

/* The whole body of a reply without files that fail; "" if it is empty. */
static inline const char *rig_body(struct rig_exchange *rig)
{
	ck_assert_int_eq(rig_take(rig), ERR_EOF);
	return rig->body == NULL ? "" : rig->body;
}

static inline const char *rig_header(const struct rig_exchange *rig, const char *name)
{
	return head_find(&rig->exchange.reply.head, slice_of(name)).data;
}

static inline void rig_end(struct rig_exchange *rig)
{
	exchange_release(&rig->exchange);
	free(rig->body);
	*rig = (struct rig_exchange){ 0 };
}

#endif
