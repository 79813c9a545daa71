/* SPDX-License-Identifier: MIT */
/*
 * What a host has said and not yet sent: whole frames, in the page that it shares with
 * its peer, so that they outlive it however it dies. They go out with one send a batch.
 * A handler may log from any thread, so every function holds the lock. Lifetime: boot.
 */
#ifndef TINCAN_HOST_OUTBOX_H
#define TINCAN_HOST_OUTBOX_H

#include <pthread.h>

#include "base/error.h"
#include "base/slice.h"
#include "ipc/page.h"

struct outbox {
	int fd;			/* borrowed; the socket to the peer */
	struct page *page;	/* borrowed */
	pthread_mutex_t lock;
};

void outbox_init(struct outbox *outbox, int fd, struct page *page);

/* All of these: ERR_CLOSED if the peer has gone, ERR_SYSTEM with errno if the plugin has
 * closed the socket, say. They wait for a peer that is slow. */

/* Adds a frame, for the next flush; one too big for the page is sent at once. */
int outbox_put(struct outbox *outbox, struct slice frame) MUST_USE;

/* Sends a frame with a descriptor, which stays the caller's, behind all before it. */
int outbox_put_file(struct outbox *outbox, struct slice frame, int file_fd) MUST_USE;

int outbox_flush(struct outbox *outbox) MUST_USE;

#endif
