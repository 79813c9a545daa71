/* SPDX-License-Identifier: MIT */
/* The listening sockets of a worker: accepting connections within the limits. */
#ifndef TINCAN_WORKER_LISTENER_H
#define TINCAN_WORKER_LISTENER_H

#include "worker/worker.h"

/* Starts accepting on the inherited descriptors. ERR_SYSTEM with errno. */
int listeners_open(struct worker *worker, const int *fds) MUST_USE;

/* Takes in what waits in the queues, so that no client that has connected is cut off,
 * then accepts no more. */
void listeners_close(struct worker *worker);

#endif
