/* SPDX-License-Identifier: MIT */
/* The keeper, seen from the master: starting it, its keys, its workers, its death. The
 * master opens key files for it, but never reads them. */
#ifndef TINCAN_MASTER_KEEPER_H
#define TINCAN_MASTER_KEEPER_H

#include "master/master.h"

struct keeper_link;

/* Starts it. ERR_SYSTEM, logged. */
int keeper_start(struct master *master) MUST_USE;

/* From now on these are the keys. Waits until it has them: some milliseconds. What is
 * wrong with one is logged. */
void keeper_give_keys(struct master *master, const struct config *config);

/* Connects a worker with it. */
void keeper_serve(struct child *child);

/* Has it died? Then the next one is started, with all that it needs. */
void keeper_reap(struct master *master);

/* Ends it, when no worker is left. NULL is accepted. */
void keeper_stop(struct keeper_link *keeper);

pid_t keeper_pid(const struct master *master);

#endif
