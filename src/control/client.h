/* SPDX-License-Identifier: MIT */
/*
 * A client of the control socket: its lines in, the answers to them out, one at a time.
 * It outlives its connection while a command of it is being carried out. Internal to
 * src/control/.
 */
#ifndef TINCAN_CONTROL_CLIENT_H
#define TINCAN_CONTROL_CLIENT_H

#include "base/buffer.h"
#include "control/address.h"
#include "control/control.h"

#define CLIENT_LINE_BYTES 65536
#define CLIENT_QUIET_MS 60000	/* without a byte read or written: it is dropped */

struct control {
	struct loop *loop;
	control_fn *fn;
	void *arg;
	struct control_address address;
	uint64_t device;	/* with the inode: to know the socket's file again */
	uint64_t inode;
	struct watch listener;
	struct timer retry;	/* set while out of descriptors */
	struct list clients;
	unsigned count;
	struct deferred end;
};

struct control_client {
	struct list link;
	struct loop *loop;
	struct control *control;	/* NULL: it has been closed */
	struct watch watch;	/* its fd is owned */
	struct timer quiet;
	struct deferred turn;	/* to carry out lines, wait for more, or end */
	struct buffer in;
	struct buffer out;
	bool busy;		/* a command waits for control_reply */
	bool ended;		/* it sends no more */
	bool left;		/* nothing can be read or written any more */
};

/* Takes fd, which is connected and does not block. */
void client_new(struct control *control, int fd);

/* The control is closed: the client ends, as soon as it has its answer if it waits. */
void client_part(struct control_client *client);

#endif
