/* SPDX-License-Identifier: MIT */
/* What is told of a request: its line in the access log, its counters, its facts. */
#ifndef TINCAN_WORKER_ACCESS_H
#define TINCAN_WORKER_ACCESS_H

#include "worker/connection.h"

/* Ready; nothing is logged until there is a log. */
void access_init(struct worker *worker);

/* The log goes to fd from now on, owned; -1: nowhere. */
void access_take(struct worker *worker, int fd);

/* Its format is that of the newest generation. */
void access_set_format(struct worker *worker);

/* An exchange has ended, or will never: logs and counts it; sent are the bytes of its
 * reply's body. */
void access_done(struct connection *connection, const struct exchange *exchange,
    uint64_t sent);

struct line;

/* A raw stream has ended: a line with the method "STREAM" and the handler as its target,
 * counted like a request. A WebSocket's line is that of its upgrade. */
void access_line_done(const struct connection *connection, const struct line *line);

/* A fact of the connection for tc.info, static or in the arena, or NULL. */
const char *access_info(const struct connection *connection, struct arena *arena,
    const char *key);

#endif
