/* SPDX-License-Identifier: MIT */
/*
 * Handlers that hang in a worker ("isolation": "worker"), whatever callback they are in:
 * who does not come back within its timeout_ms ends with the worker, as all that worker's
 * clients wait for it. That is a crash like any other (children.c): it is told, and the
 * handler runs in a process of its own from then on.
 */
#ifndef TINCAN_MASTER_HANGS_H
#define TINCAN_MASTER_HANGS_H

#include "master/master.h"

/* Looks from now on. */
void hangs_init(struct master *master);
void hangs_release(struct master *master);

#endif
