/* SPDX-License-Identifier: MIT */
/*
 * Where in the configuration a handler is used, as text: two generations that have the
 * same text mean the same place, whatever else has changed, moved or got another line.
 */
#ifndef TINCAN_SITE_PLACE_H
#define TINCAN_SITE_PLACE_H

#include "config/config.h"
#include "plugin/plugin.h"

/* All results are owned by the caller. */

/* A route is its host (by its first name), its pattern and its methods; that of a plugin
 * at its own is the same as if it were configured. */
char *place_route(const struct config *config, const struct config_route *route);
char *place_own_route(const char *pattern);

/* The index-th of config_filter_at: for whom it is. */
char *place_filter(const struct config *config, size_t index);

char *place_stream(const struct config_stream *stream);

/* The place, and all of a handler there that its on_open can see: its code, the kind of
 * process that this runs in, and the settings. What has the same key can go on. */
char *place_key(const char *place, const struct plugin *plugin,
    const struct settings *settings);

#endif
