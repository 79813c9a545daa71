/* SPDX-License-Identifier: MIT */
/* A connection that is a raw stream, from its handshake on, or was upgraded to a
 * WebSocket. Lifetime: connection. */
#ifndef TINCAN_WORKER_LINE_SESSION_H
#define TINCAN_WORKER_LINE_SESSION_H

#include "worker/line.h"
#include "worker/session.h"

struct site_route;

/* A raw stream for the handler of the route. NULL when out of memory. */
struct session *line_session_new(struct connection *connection,
    const struct site_route *route);

/* Carries on with a line that has opened; takes it. NULL when out of memory: it is still
 * the caller's. */
struct session *line_session_take(struct connection *connection, struct line *line);

#endif
