/* SPDX-License-Identifier: MIT */
/*
 * HTTP/1 on a connection: requests one after the other, each an exchange. A pipelined
 * request waits, unread, until the reply before it is written. Between requests there is
 * no exchange, so that an idle connection holds no request memory. Lifetime: connection.
 */
#ifndef TINCAN_WORKER_H1_SESSION_H
#define TINCAN_WORKER_H1_SESSION_H

#include "worker/session.h"

/* NULL when out of memory. */
struct session *h1_session_new(struct connection *connection);

#endif
