/* SPDX-License-Identifier: MIT */
/* The set of plugins of one generation. */
#include "plugin/plugin.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/slice.h"
#include "base/text.h"
#include "os/crew.h"

void plugin_learn(struct plugin *plugin, const struct plugin *from)
{
	plugin_forget(plugin);
	plugin->can = from->can;
	plugin->own_route = memory_optional(from->own_route);
	plugin->release = memory_optional(from->release);
	plugin->about = memory_optional(from->about);
}

void plugin_forget(struct plugin *plugin)
{
	free(plugin->own_route);
	free(plugin->release);
	free(plugin->about);
	plugin->own_route = NULL;
	plugin->release = NULL;
	plugin->about = NULL;
	plugin->can = 0;
}

struct plugin *plugin_set_add(struct plugin_set *set, char *file)
{
	struct plugin *plugin;

	set->items = memory_grow(set->items, set->count + 1, sizeof(*set->items));
	plugin = &set->items[set->count++];
	*plugin = (struct plugin){ .file = file };
	return plugin;
}

void plugin_set_miss(struct plugin_set *set, const char *file)
{
	struct plugin *plugin = plugin_set_add(set, memory_text(file));

	/* No content has this for its hash. */
	snprintf(plugin->hash, sizeof(plugin->hash), "none");
	plugin_refuse(plugin, "it is not there any more");
}

void plugin_set_release(struct plugin_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		free(set->items[i].file);
		free(set->items[i].copy);
		free(set->items[i].refusal);
		free(set->items[i].kept_for);
		free(set->items[i].probe_refusal);
		plugin_forget(&set->items[i]);
		crew_free(set->items[i].crew);
	}
	free(set->items);
	*set = (struct plugin_set){ 0 };
}

void plugin_set_settle_names(struct plugin_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		struct plugin *plugin = &set->items[i];

		for (size_t k = 0; k < i && plugin->refusal == NULL; k++) {
			const struct plugin *other = &set->items[k];

			if (other->refusal == NULL &&
			    strcmp(other->note.name, plugin->note.name) == 0) {
				plugin_refuse(plugin,
				    "its handler name '%s' is taken by %s",
				    plugin->note.name, other->file);
			}
		}
	}
}

/* "hello" of "plugins/hello.so". */
static struct slice stem_of(const char *file)
{
	const char *slash = strrchr(file, '/');
	struct slice stem = slice_of(slash == NULL ? file : slash + 1);

	if (stem.size > 3 && strcmp(stem.data + stem.size - 3, ".so") == 0) {
		stem.size -= 3;
	}
	return stem;
}

static bool has_name(const struct plugin *plugin, struct slice name)
{
	if (plugin->note.name[0] != '\0') {
		return slice_equal(slice_of(plugin->note.name), name);
	}
	return slice_equal(stem_of(plugin->file), name);
}

struct plugin *plugin_find(const struct plugin_set *set, const char *name)
{
	struct plugin *refused = NULL;

	for (size_t i = 0; i < set->count; i++) {
		struct plugin *plugin = &set->items[i];

		if (!has_name(plugin, slice_of(name))) {
			continue;
		}
		if (plugin->refusal == NULL) {
			return plugin;
		}
		if (refused == NULL) {
			refused = plugin;
		}
	}
	return refused;
}

/* "did you mean 'hello'"; owned by the caller, or NULL. */
static char *guess(const struct plugin_set *set, const char *name)
{
	const char **names = memory_new(set->count, sizeof(*names));
	const char *nearest;

	for (size_t i = 0; i < set->count; i++) {
		names[i] = set->items[i].note.name;
	}
	nearest = text_nearest(name, names, set->count);
	free(names);
	return nearest == NULL ? NULL : memory_printf("did you mean '%s'", nearest);
}

struct plugin *plugin_need(const struct plugin_set *set, const char *name,
    const char *where, const char *directory, struct problems *problems)
{
	struct plugin *plugin = plugin_find(set, name);

	if (plugin == NULL) {
		char *hint = guess(set, name);

		problems_add(problems, where, hint, "no plugin named '%s' in '%s'", name,
		    directory);
		free(hint);
	}
	return plugin;
}

struct crew *plugin_threads(struct plugin *plugin)
{
	if (plugin->crew == NULL) {
		plugin->crew = crew_new(plugin->note.name,
		    plugin->threads == 0 ? PLUGIN_THREADS : plugin->threads);
	}
	return plugin->crew;
}

void plugin_refuse(struct plugin *plugin, const char *format, ...)
{
	va_list ap;

	if (plugin->refusal != NULL) {
		return;
	}
	va_start(ap, format);
	plugin->refusal = memory_vprintf(format, ap);
	va_end(ap);
}
