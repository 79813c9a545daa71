/* SPDX-License-Identifier: MIT */
/*
 * The parts of a connection, for connection*.c only: what they call of one another.
 *
 *	connection_open.c	a PROXY header, the handshake -> its session
 *	connection.c		turns: input -> session -> output; the end
 *	connection_wait.c	what it waits for between them, and for how long
 */
#ifndef TINCAN_WORKER_CONNECTION_PARTS_H
#define TINCAN_WORKER_CONNECTION_PARTS_H

#include "worker/connection.h"

/* Goes on with what comes before the session. True: there is one now, and the turn goes
 * on with it; else the turn, or the connection, has ended. */
bool connection_prepare(struct connection *connection);

/* It counts as one in its handshake no longer, well or not; harmless if it did not. */
void connection_end_handshake(struct connection *connection);

/* Closes it, as a handshake that failed. */
void connection_give_up(struct connection *connection);

/* Sends what the turn has made; more: it would go on, and gets another turn. May close
 * the connection. */
void connection_end_turn(struct connection *connection, bool more);

/* All is sent: ends our side, and waits a while for the peer's end. */
void connection_linger(struct connection *connection);

/* At the end of a turn: its timer is set for what it waits for now. */
void connection_wait_for_next(struct connection *connection);

/* 0: never. */
void connection_set_timer(struct connection *connection, uint32_t ms);
void connection_on_timer(struct timer *timer);

/* The worker drains: what it waits for may not take as long as before. */
void connection_hurry(struct connection *connection);

#endif
