/* SPDX-License-Identifier: MIT */
/* A handler's view of its settings. */
#include "plugin/conf.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

#define CONF_FOUND_BYTES 60	/* longest value that a message repeats */

void conf_init(struct conf *conf, struct settings *settings, const char *directory,
    const char *where, struct problems *problems)
{
	char *absolute = realpath(directory, NULL);

	*conf = (struct conf){
		.settings = settings,
		.directory = absolute != NULL ? absolute : memory_text(directory),
		.where = memory_text(where),
		.problems = problems,
	};
}

static void free_texts(char **texts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(texts[i]);
	}
	free(texts);
}

void conf_release(struct conf *conf)
{
	free(conf->directory);
	free(conf->where);
	free_texts(conf->asked, conf->asked_count);
	free_texts(conf->paths, conf->path_count);
	*conf = (struct conf){ 0 };
}

static const char *keep_text(char ***texts, size_t *count, char *text)
{
	*texts = memory_grow(*texts, *count + 1, sizeof(**texts));
	(*texts)[(*count)++] = text;
	return text;
}

/* Is inner a path below outer? "" holds everything. */
static bool is_below(const char *inner, const char *outer)
{
	size_t size = strlen(outer);

	return size == 0 ? inner[0] != '\0' :
	    strncmp(inner, outer, size) == 0 && inner[size] == '.';
}

/* Notes that something inside is asked for: of what has no inside, that is a mistake,
 * unless it is asked for in its own right, too. */
static void enter(struct setting *setting)
{
	if (setting->type == SETTING_ARRAY || setting->type == SETTING_OBJECT ||
	    setting->type == SETTING_NULL) {
		setting->asked = true;
	} else {
		setting->entered = true;
	}
}

/* Remembers that key was asked for, which also explains what it lies in. */
static struct setting *find(struct conf *conf, const char *key)
{
	struct setting *found = NULL;

	if (conf->problems == NULL) {
		return NULL;
	}
	keep_text(&conf->asked, &conf->asked_count, memory_text(key));
	for (size_t i = 0; i < conf->settings->count; i++) {
		struct setting *setting = &conf->settings->items[i];

		if (strcmp(setting->path, key) == 0) {
			found = setting;
		} else if (is_below(key, setting->path)) {
			enter(setting);
		}
	}
	return found;
}

static struct setting *ask(struct conf *conf, const char *key)
{
	struct setting *found = find(conf, key);

	if (found != NULL) {
		found->asked = true;
	}
	return found;
}

/* The same, for one value: null is as good as nothing. */
static struct setting *ask_value(struct conf *conf, const char *key)
{
	struct setting *setting = ask(conf, key);

	return setting == NULL || setting->type == SETTING_NULL ? NULL : setting;
}

static void ask_all_below(struct conf *conf, const char *key)
{
	for (size_t i = 0; i < conf->settings->count; i++) {
		if (is_below(conf->settings->items[i].path, key)) {
			conf->settings->items[i].asked = true;
		}
	}
}

/* "found 'x'", cut where it is long, with its type where that is what is wrong. What is
 * inside of it is no other mistake. */
static void report(struct conf *conf, const struct setting *setting, const char *expected)
{
	static const char *const kinds[] = {
		[SETTING_STRING] = "the string ",
		[SETTING_ARRAY] = "the list ",
		[SETTING_OBJECT] = "the object ",
	};
	const char *kind = setting->type < sizeof(kinds) / sizeof(kinds[0]) ?
	    kinds[setting->type] : NULL;
	bool whole = strlen(setting->text) <= CONF_FOUND_BYTES;

	problems_add(conf->problems, setting->where, NULL,
	    "expected %s, found %s'%.*s%s'", expected, kind == NULL ? "" : kind,
	    CONF_FOUND_BYTES, setting->text, whole ? "" : "...");
	ask_all_below(conf, setting->path);
}

const char *conf_string(struct conf *conf, const char *key, const char *def)
{
	const struct setting *setting = ask_value(conf, key);

	if (setting == NULL) {
		return def;
	}
	if (setting->type != SETTING_STRING) {
		report(conf, setting, "a string");
		return def;
	}
	return setting->text;
}

static void report_range(struct conf *conf, const struct setting *setting, int64_t min,
    int64_t max)
{
	char expected[64];

	if (max == INT64_MAX) {
		snprintf(expected, sizeof(expected), "at least %" PRId64, min);
	} else if (min == INT64_MIN) {
		snprintf(expected, sizeof(expected), "at most %" PRId64, max);
	} else {
		snprintf(expected, sizeof(expected), "%" PRId64 "..%" PRId64, min, max);
	}
	report(conf, setting, expected);
}

int64_t conf_integer(struct conf *conf, const char *key, int64_t def, int64_t min,
    int64_t max)
{
	const struct setting *setting = ask_value(conf, key);

	if (setting == NULL) {
		return def;
	}
	if (setting->type != SETTING_INT) {
		report(conf, setting, "a whole number");
		return def;
	}
	if (setting->integer < min || setting->integer > max) {
		report_range(conf, setting, min, max);
		return def;
	}
	return setting->integer;
}

int conf_boolean(struct conf *conf, const char *key, int def)
{
	const struct setting *setting = ask_value(conf, key);

	if (setting == NULL) {
		return def;
	}
	if (setting->type != SETTING_BOOL) {
		report(conf, setting, "true or false");
		return def;
	}
	return setting->integer != 0;
}

int conf_length(struct conf *conf, const char *key)
{
	struct setting *setting = find(conf, key);

	if (setting == NULL) {
		return -1;
	}
	enter(setting);
	if ((setting->type != SETTING_ARRAY && setting->type != SETTING_OBJECT) ||
	    setting->length > INT32_MAX) {
		return -1;
	}
	return (int)setting->length;
}

const char *conf_child(struct conf *conf, const char *key, int i)
{
	const struct setting *setting = ask_value(conf, key);

	if (setting == NULL || setting->type != SETTING_OBJECT || i < 0 ||
	    (size_t)i >= setting->length) {
		return NULL;
	}
	return settings_child(conf->settings, key, (size_t)i);
}

const char *conf_text(struct conf *conf, const char *key, size_t *size)
{
	const struct setting *setting = ask(conf, key);

	*size = 0;
	if (setting == NULL) {
		return NULL;
	}
	ask_all_below(conf, key);
	*size = strlen(setting->json);
	return setting->json;
}

const char *conf_file(struct conf *conf, const char *key, const char *def)
{
	const char *file = conf_string(conf, key, def);

	if (file == NULL || file[0] == '/') {
		return file;
	}
	return keep_text(&conf->paths, &conf->path_count,
	    memory_printf("%s/%s", conf->directory, file));
}

void conf_refuse(struct conf *conf, const char *key, const char *message)
{
	const struct setting *setting = ask(conf, key);

	if (conf->problems == NULL) {
		return;
	}
	if (setting != NULL) {
		problems_add(conf->problems, setting->where, NULL, "%s", message);
	} else if (key[0] == '\0') {
		problems_add(conf->problems, conf->where, NULL, "%s", message);
	} else {
		problems_add(conf->problems, conf->where, NULL, "setting '%s': %s", key,
		    message);
	}
}

/* The last segment of a path. */
static const char *leaf_of(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot == NULL ? path : dot + 1;
}

/* Of the keys asked for in the same object, the one that was probably meant. */
static const char *nearest_key(const struct conf *conf, const char *path)
{
	const char **leaves = memory_new(conf->asked_count, sizeof(*leaves));
	size_t parent = (size_t)(leaf_of(path) - path);
	const char *nearest;
	size_t count = 0;

	for (size_t i = 0; i < conf->asked_count; i++) {
		const char *key = conf->asked[i];

		if ((size_t)(leaf_of(key) - key) == parent &&
		    strncmp(key, path, parent) == 0) {
			leaves[count++] = leaf_of(key);
		}
	}
	nearest = text_nearest(leaf_of(path), leaves, count);
	free(leaves);
	return nearest;
}

static void report_unknown(struct conf *conf, const struct setting *setting,
    bool complete)
{
	const char *nearest = nearest_key(conf, setting->path);
	char *hint;

	if (nearest == NULL && !complete) {
		return;
	}
	hint = nearest == NULL ? NULL : memory_printf("did you mean '%s'?", nearest);
	problems_add(conf->problems, setting->where, hint, "unknown setting '%s'",
	    setting->path);
	free(hint);
}

void conf_finish(struct conf *conf, bool complete)
{
	const struct settings *settings = conf->settings;
	const char *unknown = NULL;

	for (size_t i = 0; i < settings->count; i++) {
		const struct setting *setting = &settings->items[i];

		if (setting->asked || setting->path[0] == '\0' ||
		    (unknown != NULL && is_below(setting->path, unknown))) {
			continue;
		}
		if (setting->entered) {
			report(conf, setting, "a list or an object");
			continue;
		}
		report_unknown(conf, setting, complete);
		unknown = setting->path;
	}
	conf->problems = NULL;
}
