/* SPDX-License-Identifier: MIT */
/*
 * Generations: from a wish (start, reload, a changed plugin) to every worker serving it.
 *
 *	wish -> boot (parse, scan, probe) -> adopt -> sockets, hosts -> GENERATION to all
 *	     workers -> READY from all: it serves
 *
 * One is built at a time; wishes that come meanwhile are taken up together afterwards.
 * What is wrong with a new one leaves the old one as it is.
 */
#ifndef TINCAN_MASTER_ROLLOUT_H
#define TINCAN_MASTER_ROLLOUT_H

#include "control/control.h"
#include "master/master.h"

struct rollout;

/* With the boot that the start has made; takes its content. */
struct rollout *rollout_new(struct master *master, struct boot *boot);
void rollout_free(struct rollout *rollout);	/* NULL is accepted */

/* The first generation. ERR_SYSTEM, logged, if its sockets cannot be had. */
int rollout_start(struct master *master) MUST_USE;

/* Reads the file again. The client, if any, is answered when it serves, or why not. */
void rollout_reload(struct master *master, struct control_client *client);

/* The plugin directory, or what is known of its plugins, has changed. */
void rollout_plugins(struct master *master);

/* The preflight has looked at the live certificates anew: workers are told which are
 * good. No other generation comes of it. */
void rollout_certificates(struct master *master);

/* A worker process has started: it gets all that is served. */
void rollout_worker_started(struct child *child);

/* READY and FAILED from a worker. */
void rollout_ready(struct child *child, uint32_t number);
void rollout_failed(struct child *child, uint32_t number, const char *why);

/* What is served now: its number, configuration and plugins. */
uint32_t rollout_number(const struct master *master);
const struct boot *rollout_live(const struct master *master);

#endif
