/* SPDX-License-Identifier: MIT */
/* The memories of the handlers that run in this worker, by their names. */
#ifndef TINCAN_WORKER_SHARES_H
#define TINCAN_WORKER_SHARES_H

#include "ipc/channel.h"
#include "ipc/shared.h"

struct worker;

/* Takes a MEMORY; one of a name that is here stays what it is. */
void shares_take(struct worker *worker, struct channel_message *message);

/* That of the handler of that name, or NULL; arg is the worker. */
struct shared *shares_find(void *arg, const char *handler);

/* When no handler runs any more. */
void shares_release(struct worker *worker);

#endif
