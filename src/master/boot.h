/* SPDX-License-Identifier: MIT */
/*
 * From the name of a configuration file to all that is needed to serve it, with every
 * problem found on the way: the file, the plugins, their settings, the certificates. What
 * would run plugin code or read a private key happens in a process of its own (the
 * preflight), so that the master never does either. Used by every command that takes
 * --config.
 */
#ifndef TINCAN_MASTER_BOOT_H
#define TINCAN_MASTER_BOOT_H

#include "base/error.h"
#include "config/config.h"
#include "plugin/plugin.h"

struct boot {
	struct config *config;		/* owned; NULL if the file makes no sense */
	struct plugin_set plugins;
	struct problems problems;
};

/*
 * Loads and checks everything. Serve only if problems.errors is 0 afterwards. Plugins
 * that are refused are not among the problems: they stay in the set, with their refusals.
 */
void boot_load(struct boot *boot, const char *file);
void boot_release(struct boot *boot);

#endif
