/* SPDX-License-Identifier: MIT */
/* What is told of a request: its line in the access log, its counters, its facts. */
#ifndef TINCAN_WORKER_ACCESS_H
#define TINCAN_WORKER_ACCESS_H

#include "worker/connection.h"

/* Ready; nothing is logged until access_reopen. */
void access_init(struct worker *worker);

/* Opens the access log that the configuration names; keeps an earlier one if that fails:
 * ERR_SYSTEM with errno. */
int access_reopen(struct worker *worker) MUST_USE;

/* Do both log requests in the same way to the same place? */
bool access_same(const struct config *a, const struct config *b);

/* An exchange has ended, or will never: logs and counts it; sent are the bytes of its
 * reply's body. */
void access_done(struct connection *connection, const struct exchange *exchange,
    uint64_t sent);

/* A fact of the connection for tc.info, in the exchange's memory, or NULL. */
const char *access_info(struct connection *connection, struct exchange *exchange,
    const char *key);

#endif
