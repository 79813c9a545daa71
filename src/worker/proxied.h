/* SPDX-License-Identifier: MIT */
/*
 * Connections that a proxy passes on: whose word is taken, and the header that they begin
 * with (os/proxy_header.h), before TLS and within its time.
 */
#ifndef TINCAN_WORKER_PROXIED_H
#define TINCAN_WORKER_PROXIED_H

#include "config/config.h"
#include "worker/connection.h"

/* May a connection from peer come by that listener? If not it is counted, and logged. */
bool proxied_admit(struct worker *worker, const struct config_listener *listener,
    const union socket_address *peer);

/*
 * Goes on with the header of a connection that is proxied; the client it names takes the
 * place of the peer.
 *
 * @return 0: it is read, and what follows it can be; ERR_AGAIN: more is to come; else the
 *	connection is to be closed, and all is said of it
 */
int proxied_read(struct connection *connection) MUST_USE;

#endif
