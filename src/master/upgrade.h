/* SPDX-License-Identifier: MIT */
/*
 * A new binary in place of this one, with no connection refused between: the old master
 * starts the new program, gives it the listening sockets over a channel, and drains when
 * the new one says that it serves. If the new one never does, the old one has never
 * stopped.
 *
 *	old: fork, exec --> new: boot, take sockets, start workers
 *	                <-- TAKE: it reads
 *	old: LISTENER..., MEMORY..., TICKET... -->
 *	                <-- READY, when every worker serves
 *	old: leaves the control socket, drains
 *	old: READY      --> new: takes the control socket
 *	                <-- end: whoever asked for the upgrade is told
 */
#ifndef TINCAN_MASTER_UPGRADE_H
#define TINCAN_MASTER_UPGRADE_H

#include "master/master.h"

/* Remembers which program this is, before anybody can replace its file. */
void upgrade_remember(void);

/* Old: starts the new program. The client, if any, is told how it went. */
void upgrade_begin(struct master *master, struct control_client *client);

/* Old: the new program has ended before it served. */
void upgrade_reap(struct master *master);

/* New: is this the new program of an upgrade? Then its sockets are taken over. */
void upgrade_accept(struct master *master);

/* New: all workers serve. */
void upgrade_serves(struct master *master);

/* The loop has ended. A new program that does not serve yet ends, too. */
void upgrade_release(struct master *master);

#endif
