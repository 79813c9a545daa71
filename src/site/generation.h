/* SPDX-License-Identifier: MIT */
/*
 * A generation on its way from the master to its workers: the text of the configuration,
 * already found good, the certificates and CAs as the preflight has found them, so that
 * no worker reads their files, and the plugins as the master has judged and probed them.
 * A worker parses the same text with the same code, so that nothing but text crosses.
 */
#ifndef TINCAN_SITE_GENERATION_H
#define TINCAN_SITE_GENERATION_H

#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "config/config.h"
#include "plugin/plugin.h"

#define GENERATION_MAX ((size_t)256 << 20)

/* One listener of a generation: its id, under which the worker has its socket, and the
 * port that it really has. */
struct generation_listener {
	uint32_t id;
	uint16_t port;
};

struct generation_message {
	uint32_t number;
	struct config *config;		/* owned */
	struct plugin_set plugins;	/* owned */
	struct generation_listener *listeners;	/* owned; as many as config has */
};

/* Packs text (of config) and the rest into a sealed memfd. ERR_SYSTEM, ERR_LIMIT,
 * ERR_NOMEM. */
int generation_pack(const struct generation_message *message, struct slice text, int *fd)
    MUST_USE;

/* Reads one back. ERR_PROTOCOL if it is not well formed; release in any case. */
int generation_unpack(int fd, struct generation_message *message) MUST_USE;
void generation_release(struct generation_message *message);

#endif
