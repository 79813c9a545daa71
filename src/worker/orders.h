/* SPDX-License-Identifier: MIT */
/* The worker's end of the channel to the master. */
#ifndef TINCAN_WORKER_ORDERS_H
#define TINCAN_WORKER_ORDERS_H

#include <stdint.h>

#include "base/error.h"
#include "ipc/channel.h"

struct worker;

/* Starts to take orders from fd, which is the worker's from now on. ERR_SYSTEM. */
int orders_open(struct worker *worker, int fd) MUST_USE;

/* Tells the master. A master that has gone is noticed elsewhere. */
void orders_tell(struct worker *worker, enum channel_type type, uint32_t number,
    uint32_t value, const char *text);

#endif
