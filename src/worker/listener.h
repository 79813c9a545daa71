/* SPDX-License-Identifier: MIT */
/* The listening sockets of a worker: accepting connections within the limits. */
#ifndef TINCAN_WORKER_LISTENER_H
#define TINCAN_WORKER_LISTENER_H

#include "ipc/channel.h"
#include "site/generation.h"
#include "worker/worker.h"

/* A socket from the master, under its id; nothing is accepted on it yet. */
void listener_take(struct worker *worker, struct channel_message *message);

/* Accepts on those of the generation and no others; sockets that it does not name are
 * closed. Borrows its configuration until the next call. */
void listeners_serve(struct worker *worker, const struct generation_message *message);

/* Takes in what waits in the queues, so that no client that has connected is cut off. */
void listeners_take_queues(struct worker *worker);

void listeners_close(struct worker *worker);

#endif
