/* SPDX-License-Identifier: MIT */
/*
 * Messages for a channel whose receiver may not read for a while: they wait here, in
 * their order, and the sender does not. One thread. Lifetime: that of the channel.
 */
#ifndef TINCAN_IPC_CHANNEL_QUEUE_H
#define TINCAN_IPC_CHANNEL_QUEUE_H

#include <stddef.h>

#include "base/list.h"
#include "ipc/channel.h"

#define CHANNEL_QUEUE_MAX 256	/* messages; one may hold two descriptors */

struct channel_queue {
	struct list waiting;
	size_t count;
};

void channel_queue_init(struct channel_queue *queue);

/* What waits is dropped; ready as after init. */
void channel_queue_release(struct channel_queue *queue);

/* Sends one behind those that wait, now or by channel_queue_flush; descriptors stay the
 * caller's. ERR_CLOSED; ERR_LIMIT: too many wait; ERR_SYSTEM: no descriptor is left. */
int channel_queue_send(struct channel_queue *queue, int fd,
    const struct channel_message *message) MUST_USE;

/* Sends what there is room for: 0, nothing waits any more; ERR_AGAIN, ERR_CLOSED. */
int channel_queue_flush(struct channel_queue *queue, int fd) MUST_USE;

#endif
