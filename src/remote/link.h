/* SPDX-License-Identifier: MIT */
/*
 * The socket between a worker (or the probing master) and one host: frames out in
 * batches, one write a round; frames and descriptors in. Lifetime: that of one host
 * process.
 */
#ifndef TINCAN_REMOTE_LINK_H
#define TINCAN_REMOTE_LINK_H

#include <stdint.h>

#include "base/buffer.h"
#include "ipc/frame.h"
#include "ipc/page.h"
#include "os/loop.h"

#define LINK_FDS 64		/* descriptors that came and wait for their frame */

struct link;

struct link_ops {
	/* A frame from the host, untrusted. Anything but 0 ends the link. */
	int (*frame)(struct link *link, const struct frame *frame);
	/* Nothing more comes; *error* is 0 for an end of file, else what went wrong. The
	 * host may live on, if it has closed its socket. The link may be released from
	 * here on, but not within the call. */
	void (*down)(struct link *link, int error);
	/* It was crowded, and is no more. */
	void (*room)(struct link *link);
};

struct link {
	struct watch watch;
	struct loop *loop;
	const struct link_ops *ops;
	struct buffer out;
	struct buffer in;
	struct deferred flush;
	const struct page *page;
	uint64_t received;		/* bytes of the host's stream so far */
	int fds[LINK_FDS];
	size_t fd_count;
	bool blocked;			/* the socket takes no more for now */
	bool crowded;			/* room is to be told */
	bool down;
	bool broken;			/* by what cannot be understood: it lies in in */
};

/* Takes both descriptors, whatever the result. ERR_SYSTEM, ERR_NOMEM. */
int link_init(struct link *link, struct loop *loop, const struct link_ops *ops,
    int socket_fd, int page_fd) MUST_USE;

/* Closes everything; ops are not called. */
void link_release(struct link *link);

/* Where frames to the host are appended; then link_flush says that they are to go out at
 * the end of the round. */
struct buffer *link_out(struct link *link);
void link_flush(struct link *link);

/* Does so much wait for a host that is slow that what can wait elsewhere should? If so,
 * ops->room comes. */
bool link_crowded(struct link *link);

/* The host is dead: takes in all that it had sent, and goes down. */
void link_drain(struct link *link);

/* The link is down and the host dead: delivers what it had finished but not sent, as far
 * as that can be told. 0, or what is wrong. */
int link_take_unsent(struct link *link) MUST_USE;

/* The descriptor that came with the frame at hand, owned by the caller now; -1: none. */
int link_take_fd(struct link *link);

#endif
