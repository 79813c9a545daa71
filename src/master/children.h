/* SPDX-License-Identifier: MIT */
/* The workers, seen from the master: starting them, and what happens when one dies. */
#ifndef TINCAN_MASTER_CHILDREN_H
#define TINCAN_MASTER_CHILDREN_H

#include "ipc/channel.h"
#include "master/master.h"

/* Ready, none started. */
void children_init(struct master *master);

/* How many workers the configuration asks for: one per CPU unless it says a number. */
uint32_t children_wanted(const struct config *config);

/* Starts the worker of that place. */
void child_start(struct child *child);

/* Tells the worker something; descriptors stay the caller's. Does not wait: one that
 * hangs is told when it reads again. An error: it never is. */
int child_tell(struct child *child, const struct channel_message *message) MUST_USE;

/* Takes in every worker that has ended; logs, and starts anew what should run. */
void children_reap(struct master *master);

/* From now on so many are to run: starts those that are missing, for which sockets_open
 * has made sockets; tells those too many to finish what they have and end. */
void children_resize(struct master *master, uint32_t count);

/* Sends a signal to all that run. */
void children_signal(const struct master *master, int number);

/* The CPU of that worker and its hosts, which are then on one, so that no wake-up has to
 * cross; -1: anywhere, as there are more workers than CPUs. */
int child_cpu(const struct child *child);

/* How many run. */
uint32_t children_running(const struct master *master);

#endif
