/* SPDX-License-Identifier: MIT */
/* The listening sockets: one per worker and listener, all made before any worker runs. */
#ifndef TINCAN_MASTER_SOCKETS_H
#define TINCAN_MASTER_SOCKETS_H

#include "master/master.h"

/*
 * Fills in children[].listen_fds. A listener with port 0 gets its real port. What goes
 * wrong is logged, with the process that has the port where that can be known;
 * ERR_SYSTEM.
 */
int sockets_open(struct master *master) MUST_USE;
void sockets_close(struct master *master);

/* Raises the limit of open files as far as allowed; warns if max_connections needs
 * more. */
void sockets_raise_limit(const struct config *config, uint32_t workers);

#endif
