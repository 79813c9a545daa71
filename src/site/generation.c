/* SPDX-License-Identifier: MIT */
/* A generation on its way from the master to its workers. */
#include "site/generation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "ipc/pack.h"

static int pack_string(struct buffer *out, const char *text)
{
	return pack_text(out, slice_of(text));
}

static int pack_plugin(struct buffer *out, const struct plugin *plugin)
{
	int rc = pack_string(out, plugin->file);

	rc = rc != 0 ? rc : pack_optional(out, plugin->copy);
	rc = rc != 0 ? rc : pack_string(out, plugin->hash);
	rc = rc != 0 ? rc : pack_u32(out, plugin->note.need);
	rc = rc != 0 ? rc : pack_string(out, plugin->note.name);
	rc = rc != 0 ? rc : pack_optional(out, plugin->refusal);
	rc = rc != 0 ? rc : pack_u32(out, plugin->version);
	rc = rc != 0 ? rc : pack_u8(out, plugin->isolated);
	rc = rc != 0 ? rc : pack_u32(out, plugin->can);
	return rc != 0 ? rc : pack_optional(out, plugin->own_route);
}

/* What the preflight has found in files, for those who read none. */
static int pack_found(struct buffer *out, const struct config *config)
{
	const struct config_client_auth *clients;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < config->certificate_count; i++) {
		rc = pack_optional(out, config->certificates[i].shown.pem);
	}
	for (size_t i = 0; rc == 0 && (clients = config_clients_at(config, i)) != NULL;
	     i++) {
		rc = pack_optional(out, clients->trust.cas);
		rc = rc != 0 ? rc : pack_optional(out, clients->trust.lists);
	}
	return rc;
}

static void unpack_found(struct unpack *in, struct config *config)
{
	struct config_client_auth *clients;

	for (size_t i = 0; i < config->certificate_count; i++) {
		config->certificates[i].shown.pem =
		    memory_optional(unpack_optional(in));
	}
	for (size_t i = 0; (clients = config_clients_at(config, i)) != NULL; i++) {
		clients->trust.cas = memory_optional(unpack_optional(in));
		clients->trust.lists = memory_optional(unpack_optional(in));
	}
}

static int pack_all(struct buffer *out, const struct generation_message *message,
    struct slice text)
{
	int rc = pack_u32(out, message->number);

	rc = rc != 0 ? rc : pack_string(out, message->config->file);
	rc = rc != 0 ? rc : pack_text(out, text);
	for (size_t i = 0; rc == 0 && i < message->config->listener_count; i++) {
		rc = pack_u32(out, message->listeners[i].id);
		rc = rc != 0 ? rc : pack_u32(out, message->listeners[i].port);
	}
	rc = rc != 0 ? rc : pack_found(out, message->config);
	rc = rc != 0 ? rc : pack_u32(out, (uint32_t)message->plugins.count);
	for (size_t i = 0; rc == 0 && i < message->plugins.count; i++) {
		rc = pack_plugin(out, &message->plugins.items[i]);
	}
	return rc;
}

static int write_memfd(const struct buffer *content, int *out_fd)
{
	struct slice rest = buffer_slice(content);
	int fd = memfd_create("tincan-generation", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	while (fd >= 0 && rest.size > 0) {
		ssize_t written = write(fd, rest.data, rest.size);

		if (written < 0 && errno == EINTR) {
			continue;
		}
		if (written < 0) {
			close(fd);
			return ERR_SYSTEM;
		}
		slice_skip(&rest, (size_t)written);
	}
	if (fd < 0) {
		return ERR_SYSTEM;
	}
	(void)fcntl(fd, F_ADD_SEALS,
	    F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
	*out_fd = fd;
	return 0;
}

int generation_pack(const struct generation_message *message, struct slice text, int *fd)
{
	struct buffer content;
	int rc;

	buffer_init(&content, GENERATION_MAX);
	rc = pack_all(&content, message, text);
	rc = rc != 0 ? rc : write_memfd(&content, fd);
	buffer_release(&content);
	return rc;
}

static char *unpack_copy(struct unpack *in)
{
	return memory_text(unpack_string(in));
}

static void unpack_plugin(struct unpack *in, struct plugin *plugin)
{
	plugin->file = unpack_copy(in);
	plugin->copy = memory_optional(unpack_optional(in));
	snprintf(plugin->hash, sizeof(plugin->hash), "%s", unpack_string(in));
	plugin->note.need = unpack_u32(in);
	snprintf(plugin->note.name, sizeof(plugin->note.name), "%s", unpack_string(in));
	plugin->refusal = memory_optional(unpack_optional(in));
	plugin->version = unpack_u32(in);
	plugin->isolated = unpack_u8(in) != 0;
	plugin->can = unpack_u32(in);
	plugin->own_route = memory_optional(unpack_optional(in));
}

static void unpack_plugins(struct unpack *in, struct plugin_set *plugins)
{
	uint32_t count = unpack_u32(in);

	/* A plugin takes some bytes: more of them than bytes cannot be meant. */
	if (count > in->rest.size) {
		in->failed = true;
		return;
	}
	plugins->items = memory_new(count, sizeof(*plugins->items));
	while (plugins->count < count && !in->failed) {
		unpack_plugin(in, &plugins->items[plugins->count++]);
	}
}

static void unpack_config(struct unpack *in, struct generation_message *message)
{
	const char *file = unpack_string(in);
	struct slice text = unpack_text(in);
	struct problems problems;

	problems_init(&problems);
	message->config = config_parse(file, text.data, text.size, &problems);
	if (problems.errors > 0 || message->config == NULL) {
		in->failed = true;
	}
	problems_release(&problems);
}

static void unpack_listeners(struct unpack *in, struct generation_message *message)
{
	struct config *config = message->config;

	message->listeners = memory_new(config->listener_count,
	    sizeof(*message->listeners));
	for (size_t i = 0; i < config->listener_count; i++) {
		message->listeners[i].id = unpack_u32(in);
		message->listeners[i].port = (uint16_t)unpack_u32(in);
		config->listeners[i].port = message->listeners[i].port;
	}
}

static int unpack_all(struct slice content, struct generation_message *message)
{
	struct unpack in = { .rest = content };

	message->number = unpack_u32(&in);
	unpack_config(&in, message);
	if (in.failed) {
		return ERR_PROTOCOL;
	}
	unpack_listeners(&in, message);
	unpack_found(&in, message->config);
	unpack_plugins(&in, &message->plugins);
	return unpack_done(&in) ? 0 : ERR_PROTOCOL;
}

int generation_unpack(int fd, struct generation_message *message)
{
	struct stat st;
	void *content;
	int rc;

	memset(message, 0, sizeof(*message));
	if (fstat(fd, &st) != 0 || st.st_size <= 0) {
		return ERR_PROTOCOL;
	}
	content = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (content == MAP_FAILED) {
		return ERR_SYSTEM;
	}
	rc = unpack_all((struct slice){ content, (size_t)st.st_size }, message);
	munmap(content, (size_t)st.st_size);
	return rc;
}

void generation_release(struct generation_message *message)
{
	plugin_set_release(&message->plugins);
	config_free(message->config);
	free(message->listeners);
	memset(message, 0, sizeof(*message));
}
