/* SPDX-License-Identifier: MIT */
/*
 * The preflight: a throw-away process that does what a worker does at its start (load the
 * plugins, open their routes with the real settings, read certificates and keys), reports
 * what is wrong with them, and ends. A plugin that crashes or hangs there is refused, by
 * name, and the preflight runs again without it.
 */
#ifndef TINCAN_MASTER_PREFLIGHT_H
#define TINCAN_MASTER_PREFLIGHT_H

#include <stdbool.h>

#include "base/error.h"
#include "config/config.h"
#include "plugin/plugin.h"

#define PREFLIGHT_MS 10000	/* a plugin that takes longer to start is refused */

/* With development, the certificate that config names is made if need be. Adds problems;
 * refuses plugins of the set. */
void preflight_run(struct config *config, struct plugin_set *plugins, bool development,
    struct problems *problems);

#endif
