/* SPDX-License-Identifier: MIT */
/*
 * The memories of handlers (ipc/shared.h), seen from the master, which makes one for each
 * handler's name that goes live, keeps it until the server ends, and gives it to the
 * processes that run the handler and, in an upgrade, to the next master. Once a second it
 * shows on the scoreboard what handlers measure.
 */
#ifndef TINCAN_MASTER_MEMORIES_H
#define TINCAN_MASTER_MEMORIES_H

#include "ipc/channel.h"
#include "master/master.h"

void memories_init(struct master *master);

/* The memory of the handler of that name, made if need be; the descriptor is borrowed. -1
 * with a line in the log. */
int memories_get(struct master *master, const char *handler);

/* Sends a worker those of the live handlers that run in workers. */
void memories_send(struct child *child);

/* In an upgrade: one MEMORY each, what channel_send says; and its taking in. */
int memories_hand_over(const struct master *master, int channel_fd) MUST_USE;
void memories_take(struct master *master, struct channel_message *message);

void memories_release(struct master *master);

#endif
