/* SPDX-License-Identifier: MIT */
/*
 * A handler's view of its settings: typed, with defaults and ranges. It keeps what was
 * asked for, so that a misspelt key is found without a schema. Lifetime: its instance's,
 * as the strings that it gave live until on_close.
 */
#ifndef TINCAN_PLUGIN_CONF_H
#define TINCAN_PLUGIN_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/settings.h"

struct conf {
	struct settings *settings;	/* borrowed; outlives this */
	char *directory;		/* owned; that of server.json, absolute */
	char *where;			/* owned; the route's place, for messages */
	struct problems *problems;	/* borrowed during on_open; NULL: it is over */
	char **asked;			/* owned; every key asked for, in order */
	size_t asked_count;
	char **paths;			/* owned; what conf_path made */
	size_t path_count;
};

void conf_init(struct conf *conf, struct settings *settings, const char *directory,
    const char *where, struct problems *problems);
void conf_release(struct conf *conf);

/*
 * The end of on_open: settings that nobody asked for become problems, and plain values of
 * which only the inside was asked for; if it stopped half way (not complete), of the
 * first only those that look like a misspelling of what it asked for. From then on the
 * getters below give their defaults.
 */
void conf_finish(struct conf *conf, bool complete);

/* The entries of tc_api of the same names. */
const char *conf_string(struct conf *conf, const char *key, const char *def);
int64_t conf_integer(struct conf *conf, const char *key, int64_t def, int64_t min,
    int64_t max);
int conf_boolean(struct conf *conf, const char *key, int def);
int conf_length(struct conf *conf, const char *key);
const char *conf_child(struct conf *conf, const char *key, int i);
const char *conf_text(struct conf *conf, const char *key, size_t *size);
const char *conf_file(struct conf *conf, const char *key, const char *def);
void conf_refuse(struct conf *conf, const char *key, const char *message);

#endif
