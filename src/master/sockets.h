/* SPDX-License-Identifier: MIT */
/*
 * The listening sockets: one per worker and listener; of a Unix socket, the same for all
 * workers. They belong to the master and
 * outlive workers and generations, so that no accept queue is ever lost; a listener that
 * two generations share keeps its sockets.
 */
#ifndef TINCAN_MASTER_SOCKETS_H
#define TINCAN_MASTER_SOCKETS_H

#include "ipc/channel.h"
#include "master/master.h"
#include "site/generation.h"

/*
 * Makes those that config names and there are not yet, for so many workers. What goes
 * wrong is a problem, or logged if problems is NULL, with the process that has the port
 * where that can be known: ERR_SYSTEM, and there are no more sockets than before.
 */
int sockets_open(struct master *master, const struct config *config, uint32_t workers,
    struct problems *problems) MUST_USE;

/* Closes those that config does not name; workers have closed theirs by the
 * generation. */
void sockets_close_unused(struct master *master, const struct config *config);
void sockets_close(struct master *master);

/* Closes those of a place that has no worker any more. */
void sockets_close_of(const struct child *child);

/* Sends the worker its sockets of all listeners. */
void sockets_send(struct child *child);

/* Sends all sockets to the master that takes over, what channel_send says; and takes one
 * in, before that master opens its own. */
int sockets_hand_over(const struct master *master, int channel_fd) MUST_USE;
void sockets_take(struct master *master, struct channel_message *message);

/* Are they another master's, too? Then the files of Unix sockets are left to that one,
 * and so is what this one's configuration does not name. What was taken in is lent. */
void sockets_lend(struct master *master, bool lent);

/* Says of each new one of config where it listens. */
void sockets_announce(const struct master *master, const struct config *config);

/* Ids and ports of config's listeners, in its order; owned by the caller. */
struct generation_listener *sockets_of(const struct master *master,
    const struct config *config);

/* Raises the limit of open files as far as allowed; warns if max_connections needs
 * more. */
void sockets_raise_limit(const struct config *config, uint32_t workers);

#endif
