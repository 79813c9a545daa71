/* SPDX-License-Identifier: MIT */
/*
 * What a worker does at its limits: counts each on the scoreboard, tells the log whom it
 * has met, and decides who is let in. Lifetime: the worker's.
 */
#ifndef TINCAN_WORKER_LIMITS_H
#define TINCAN_WORKER_LIMITS_H

#include "os/socket.h"
#include "worker/worker.h"

struct connection;

/* Counts one. */
void limits_count(struct worker *worker, enum scoreboard_limit limit);

/* The same of the limit, if any, that a refusal of the server's with that status is
 * for. */
void limits_count_status(struct worker *worker, int status);

/* Counts it, too: that peer (NULL: a new one) was held to the limit, and what was "done"
 * about it, for the log: "refused". It gets a line of each limit every ten seconds at
 * most. */
void limits_met(struct worker *worker, enum scoreboard_limit limit,
    const union socket_address *peer, const char *done);

/* May that peer have one more connection, by the number that its address has? Else it is
 * counted as refused. To be asked before others have to make room for it. */
bool limits_admit_address(struct worker *worker, const union socket_address *peer);

/* May one more connection of that peer come in? Idle ones are closed to make room for
 * it. Else it is counted as refused. */
bool limits_admit(struct worker *worker, const union socket_address *peer);

/* May one more handshake begin? If not, it is to wait: one that stalls makes room for it
 * soon. */
bool limits_admit_handshake(struct worker *worker);

/*
 * May the exchange have more of a body, or its first byte? By the memory that the worker
 * has, and that its connection has (held; NULL: not bounded), unless there is nothing in
 * that but the exchange's own.
 *
 * @return 0; or 503, counted, with a static reason
 */
int limits_admit_body(struct connection *connection, const struct exchange *exchange,
    const struct tally *held, const char **reason) MUST_USE;

/* It counts as one of its peer's address, until connection_close. */
void limits_count_address(struct connection *connection);
void limits_discount_address(struct connection *connection);

#endif
