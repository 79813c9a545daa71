/* SPDX-License-Identifier: MIT */
/* The settings of one route: JSON laid flat, in document order. */
#include "base/settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void settings_init(struct settings *settings)
{
	*settings = (struct settings){ 0 };
}

void settings_release(struct settings *settings)
{
	for (size_t i = 0; i < settings->count; i++) {
		free(settings->items[i].path);
		free(settings->items[i].text);
		free(settings->items[i].json);
		free(settings->items[i].where);
	}
	free(settings->items);
	settings_init(settings);
}

struct setting *settings_add(struct settings *settings, const char *path,
    enum setting_type type, const char *text, const char *json, const char *where)
{
	struct setting *setting;

	if (settings->count == settings->capacity) {
		settings->capacity = settings->capacity == 0 ? 8 : settings->capacity * 2;
		settings->items = memory_grow(settings->items, settings->capacity,
		    sizeof(*settings->items));
	}
	setting = &settings->items[settings->count++];
	*setting = (struct setting){
		.path = memory_text(path),
		.text = memory_text(text),
		.json = memory_text(json),
		.where = memory_text(where),
		.type = type,
	};
	return setting;
}

struct setting *settings_find(const struct settings *settings, const char *path)
{
	for (size_t i = 0; i < settings->count; i++) {
		if (strcmp(settings->items[i].path, path) == 0) {
			return &settings->items[i];
		}
	}
	return NULL;
}

void settings_copy(struct settings *to, const struct settings *from)
{
	settings_init(to);
	for (size_t i = 0; i < from->count; i++) {
		const struct setting *setting = &from->items[i];
		struct setting *copy = settings_add(to, setting->path, setting->type,
		    setting->text, setting->json, setting->where);

		copy->integer = setting->integer;
		copy->length = setting->length;
	}
}

/* The entry behind the one at index and all that is inside it. */
static size_t skip_value(const struct settings *settings, size_t index)
{
	size_t open = 1;	/* values that have begun but not ended */

	while (open > 0 && index < settings->count) {
		open += settings->items[index].length;
		open--;
		index++;
	}
	return index;
}

/* Children are counted, not found by the dots of their paths: a key may hold dots. */
const char *settings_child(const struct settings *settings, const char *path,
    size_t index)
{
	const struct setting *object = settings_find(settings, path);
	size_t prefix = path[0] == '\0' ? 0 : strlen(path) + 1;
	size_t at;

	if (object == NULL || object->type != SETTING_OBJECT || index >= object->length) {
		return NULL;
	}
	at = (size_t)(object - settings->items) + 1;
	for (; index > 0; index--) {
		at = skip_value(settings, at);
	}
	return at < settings->count ? settings->items[at].path + prefix : NULL;
}
