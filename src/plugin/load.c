/* SPDX-License-Identifier: MIT */
/*
 * Maps a plugin's private copy and checks what it exports. From here on its code runs in
 * this process; what is checked guards against mistakes and other versions, not malice.
 */
#include <dlfcn.h>
#include <link.h>
#include <stdalign.h>
#include <string.h>

#include "plugin/api.h"
#include "plugin/plugin.h"

#define LOAD_SYMBOL "tincan_handler_1"
#define LOAD_LEAST (offsetof(tc_handler, on_request) + sizeof(void *))
#define FLAGS (TC_BLOCKING | TC_BODY_STREAM)
#define LOAD_TABLE_MAX 65536	/* bytes of a table or descriptor of any later level */

/* dlerror without the path of the copy, which the plugin's author never saw. */
static const char *load_error(const struct plugin *plugin)
{
	const char *text = dlerror();
	size_t size = strlen(plugin->copy);

	if (text == NULL) {
		return "unknown error";
	}
	if (strncmp(text, plugin->copy, size) == 0 &&
	    strncmp(text + size, ": ", 2) == 0) {
		return text + size + 2;
	}
	return text;
}

/* Bytes of the exported object, as the file's symbol table says; 0 if it does not. */
static size_t object_size(const void *object)
{
	const ElfW(Sym) *symbol = NULL;
	Dl_info info;

	if (dladdr1(object, &info, (void **)&symbol, RTLD_DL_SYMENT) == 0 ||
	    symbol == NULL) {
		return 0;
	}
	return symbol->st_size;
}

/* Fields of a later level must be 0: one that is set asks for what we do not do. */
static int check_tail(struct plugin *plugin, const tc_handler *handler)
{
	const unsigned char *bytes = (const unsigned char *)handler;

	for (size_t i = sizeof(*handler); i < handler->size; i++) {
		if (bytes[i] != 0) {
			plugin_refuse(plugin,
			    "fills in a field that this tincan does not know "
			    "(offset %zu)", i - i % sizeof(void *));
			return ERR_INVALID;
		}
	}
	return 0;
}

/* A descriptor may be older, and so shorter, or newer and longer than ours; every one
 * goes at least as far as on_request. */
static int check_size(struct plugin *plugin, const tc_handler *handler)
{
	if ((uintptr_t)handler % alignof(tc_handler) != 0 ||
	    object_size(handler) < LOAD_LEAST) {
		plugin_refuse(plugin, "its " LOAD_SYMBOL " is not a tc_handler");
		return ERR_INVALID;
	}
	if (handler->size < LOAD_LEAST || handler->size > object_size(handler) ||
	    handler->size > LOAD_TABLE_MAX) {
		plugin_refuse(plugin,
		    "its " LOAD_SYMBOL " says size %u, but has %zu bytes",
		    handler->size, object_size(handler));
		return ERR_INVALID;
	}
	return check_tail(plugin, handler);
}

static uint32_t filters(const tc_handler *handler)
{
	uint32_t can = (handler->on_filter == NULL ? 0 : PLUGIN_ON_FILTER) |
	    (handler->on_reply == NULL ? 0 : PLUGIN_ON_REPLY) |
	    (handler->on_piece == NULL ? 0 : PLUGIN_ON_PIECE);

	return can == 0 ? 0 : can | PLUGIN_FILTERS;
}

static uint32_t abilities(const tc_handler *handler)
{
	return (handler->on_request == NULL ? 0 : PLUGIN_REQUESTS) |
	    (handler->on_connect == NULL ? 0 : PLUGIN_CONNECTS) |
	    (handler->flags & TC_BODY_STREAM ? PLUGIN_BODY_STREAM : 0) |
	    (handler->flags & TC_BLOCKING ? PLUGIN_BLOCKING : 0) | filters(handler);
}

static int check_fields(struct plugin *plugin, const tc_handler *handler)
{
	bool uploads = handler->flags & TC_BODY_STREAM;

	if (handler->name == NULL || strcmp(handler->name, plugin->note.name) != 0) {
		plugin_refuse(plugin, "its note says '%s' but its handler is '%s'",
		    plugin->note.name, handler->name == NULL ? "" : handler->name);
	} else if (handler->need != plugin->note.need) {
		plugin_refuse(plugin, "its note needs level %u but its handler %u",
		    plugin->note.need, handler->need);
	} else if (handler->api == NULL || handler->api_size < offsetof(tc_api, method) ||
	    handler->api_size > LOAD_TABLE_MAX) {
		plugin_refuse(plugin,
		    "it has no function table of a size that makes sense");
	} else if ((handler->flags & ~FLAGS) != 0 || handler->reserved != 0) {
		plugin_refuse(plugin, "sets flags that this tincan does not know (0x%x)",
		    (handler->flags & ~FLAGS) | handler->reserved);
	} else if (uploads && (handler->flags & TC_BLOCKING)) {
		plugin_refuse(plugin,
		    "sets both TC_BLOCKING and TC_BODY_STREAM: where on_request blocks, "
		    "nobody could take the pieces of the body");
	} else if (uploads && (handler->on_request == NULL || handler->on_body == NULL)) {
		plugin_refuse(plugin, "sets TC_BODY_STREAM, but has no %s",
		    handler->on_body == NULL ? "on_body" : "on_request");
	} else if ((abilities(handler) &
	    (PLUGIN_REQUESTS | PLUGIN_CONNECTS | PLUGIN_FILTERS)) == 0) {
		plugin_refuse(plugin,
		    "it has neither on_request nor on_connect, and filters nothing");
	}
	return plugin->refusal == NULL ? 0 : ERR_INVALID;
}

/*
 * A path is mapped once in a process: for a second dlopen of it the loader would give the
 * code it has, whatever the file holds by now.
 */
static void *map(struct plugin *plugin)
{
	struct api_call before = api_enter((struct api_call){
	    .callback = PAGE_LOADING, .handler = plugin->note.name });
	void *object;

	(void)dlerror();
	object = dlopen(plugin->copy, RTLD_NOW | RTLD_LOCAL);
	api_leave(before);
	if (object == NULL) {
		plugin_refuse(plugin, "%s", load_error(plugin));
	}
	return object;
}

int plugin_load(struct plugin *plugin, const struct plugin_services *services)
{
	const tc_handler *handler;
	void *object;

	if (plugin->refusal != NULL) {
		return ERR_INVALID;
	}
	api_serve(services);
	object = map(plugin);
	if (object == NULL) {
		return ERR_INVALID;
	}
	handler = dlsym(object, LOAD_SYMBOL);
	if (handler == NULL) {
		plugin_refuse(plugin, "it does not export " LOAD_SYMBOL);
		return ERR_INVALID;
	}
	if (check_size(plugin, handler) != 0) {
		return ERR_INVALID;
	}
	memcpy(&plugin->descriptor, handler,
	    handler->size < sizeof(*handler) ? handler->size : sizeof(*handler));
	if (check_fields(plugin, &plugin->descriptor) != 0) {
		return ERR_INVALID;
	}
	plugin->threaded = services->threads && (handler->flags & TC_BLOCKING);
	api_fill(handler->api, handler->api_size, plugin->threaded);
	plugin->can = abilities(&plugin->descriptor);
	plugin->handler = &plugin->descriptor;
	return 0;
}
