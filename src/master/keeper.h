/* SPDX-License-Identifier: MIT */
/* The keeper, seen from the master: starting it, its keys, its workers, its death. The
 * master opens key files for it, but never reads them, and never waits for it but at the
 * start and at the end. */
#ifndef TINCAN_MASTER_KEEPER_H
#define TINCAN_MASTER_KEEPER_H

#include "master/handover.h"
#include "master/master.h"

struct keeper_link;

/* Starts it. ERR_SYSTEM, logged. */
int keeper_start(struct master *master) MUST_USE;

/*
 * From now on these are the keys: those of certificates that are shown; config and
 * passphrases as handover.h has them. done comes in a later round of the loop, or in
 * keeper_wait. A keeper that does not answer within some seconds is replaced, and has
 * taken none of them. When one dies the next gets them, and its death is the end of it.
 */
void keeper_give_keys(struct master *master, struct handover *handover,
    struct config *config, const struct passphrases *passphrases);

/* Those of what is served are the keys again. */
void keeper_give_served(struct master *master);

/* Takes that back. Harmless if it is over. */
void keeper_forget(struct master *master, struct handover *handover);

/* Waits until it has what it was given: at the start, when nothing else goes on. */
void keeper_wait(struct master *master);

/* Connects a worker with it, when it has its keys. */
void keeper_serve(struct child *child);

/* Has it died? Then the next one is started, with all that it needs. */
void keeper_reap(struct master *master);

/* Ends it, if there is one, when no worker is left. */
void keeper_stop(struct master *master);

#endif
