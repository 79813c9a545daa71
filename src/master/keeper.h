/* SPDX-License-Identifier: MIT */
/* The keeper, seen from the master: starting it, its keys, its workers, its death. The
 * master opens key files for it, but never reads them. */
#ifndef TINCAN_MASTER_KEEPER_H
#define TINCAN_MASTER_KEEPER_H

#include "master/master.h"
#include "master/passphrases.h"

struct keeper_link;

/* Starts it. ERR_SYSTEM, logged. */
int keeper_start(struct master *master) MUST_USE;

/*
 * From now on these are the keys: those of certificates that are shown. Waits until it
 * has them: some milliseconds. One that is not what the preflight has seen is logged, its
 * certificate broken, and what that shows forgotten.
 *
 * @param passphrases	of the encrypted ones; NULL: they are left out
 */
void keeper_give_keys(struct master *master, struct config *config,
    const struct passphrases *passphrases);

/* Connects a worker with it. */
void keeper_serve(struct child *child);

/* Has it died? Then the next one is started, with all that it needs. */
void keeper_reap(struct master *master);

/* Ends it, when no worker is left. NULL is accepted. */
void keeper_stop(struct keeper_link *keeper);

pid_t keeper_pid(const struct master *master);

#endif
