/* SPDX-License-Identifier: MIT */
/*
 * The certificates of what is served, while it is served. The master looks after their
 * files, never into them: when one has changed and is at rest, the preflight checks all;
 * the keeper gets the keys, and the workers what is new; what is broken is told, after a
 * moment in which its other half may be written, and its predecessor goes on. Every hour
 * it looks who is about to expire.
 */
#ifndef TINCAN_MASTER_RENEWALS_H
#define TINCAN_MASTER_RENEWALS_H

#include "master/master.h"

struct renewals *renewals_new(struct master *master);
void renewals_free(struct renewals *renewals);	/* NULL is accepted */

/* What is live has changed: from now on its files are looked after. What the preflight
 * has said of them goes into the log, if it is not to be found elsewhere. */
void renewals_serve(struct master *master, bool into_log);

/* Of what is served some was lost with a keeper: it is shown no more. */
void renewals_lost(struct master *master);

/* What was wrong at the last check. */
const struct problems *renewals_problems(const struct master *master);

/* Has them checked again, changed or not: the keeper needs their passphrases. */
void renewals_again(struct master *master);

/* A number that changes when one of the files does. */
uint64_t renewals_files(const struct config *config);

/* Can one of the certificates be used? */
bool renewals_any_good(const struct config *config);

/*
 * Marks those whose faults are told but refuse nothing. At a start all: one of them must
 * not keep the others from being served. When something is served: those that are in use
 * already, so that only what is new in the file is held against it.
 */
void renewals_tolerate(struct boot *boot, const struct boot *live);

#endif
