/* SPDX-License-Identifier: MIT */
/*
 * The certificates of what is served, while it is served. The master looks after their
 * files, never into them: when one has changed and is at rest, the preflight checks all,
 * and keeper and workers read anew what is good; what is not is told, and its predecessor
 * goes on. Once a day they are checked in any case, so that one that is about
 * to expire is in the log.
 */
#ifndef TINCAN_MASTER_RENEWALS_H
#define TINCAN_MASTER_RENEWALS_H

#include "master/master.h"

struct renewals *renewals_new(struct master *master);
void renewals_free(struct renewals *renewals);	/* NULL is accepted */

/* What is live has changed: from now on its files are looked after. What the preflight
 * has said of them goes into the log, if it is not to be found elsewhere. */
void renewals_serve(struct master *master, bool into_log);

/* What was wrong at the last check. */
const struct problems *renewals_problems(const struct master *master);

/*
 * Marks those whose faults are told but refuse nothing. At a start: those of virtual
 * hosts, as one of them must not keep the others from being served. When something is
 * served: those of virtual hosts that are in use already, so that only what is new in the
 * file is held against it; if the file was not even read anew, all.
 */
void renewals_tolerate(struct boot *boot, const struct boot *live);

#endif
