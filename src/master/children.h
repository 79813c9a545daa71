/* SPDX-License-Identifier: MIT */
/* The workers, seen from the master: starting them, and what happens when one dies. */
#ifndef TINCAN_MASTER_CHILDREN_H
#define TINCAN_MASTER_CHILDREN_H

#include "master/master.h"

/* Ready, none started. */
void children_init(struct master *master);

/* Starts the worker of that place. */
void child_start(struct child *child);

/* Takes in every child that has ended; logs, and starts anew what should run. */
void children_reap(struct master *master);

/* Sends a signal to all that run. */
void children_signal(const struct master *master, int number);

/* How many run. */
uint32_t children_running(const struct master *master);

#endif
