/* SPDX-License-Identifier: MIT */
/*
 * The parts of an exchange, for exchange*.c only: what they call of one another.
 *
 *	exchange.c		its life, who holds it, its body
 *	exchange_fields.c	the header that the handler side sets
 *	exchange_reply.c	what the handler side says
 *	exchange_fail.c		what the server says in its place
 */
#ifndef TINCAN_EXCHANGE_EXCHANGE_PARTS_H
#define TINCAN_EXCHANGE_EXCHANGE_PARTS_H

#include "exchange/exchange.h"

/* The protocol side is told of the new state. */
void exchange_advance(struct exchange *exchange, enum exchange_state state);

/* The same; the reply is at its end, and a handler that held it has let go. */
void exchange_finish(struct exchange *exchange, enum exchange_state state);

/* The handler has finished what nobody waits for. While the protocol side is just letting
 * go, it sees that itself. */
void exchange_let_go_late(struct exchange *exchange);

/* The handler, if there is one that wants to know, is told that nobody waits any more;
 * once. */
void exchange_tell_gone(struct exchange *exchange);

/* Is there content in such a reply? RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5. */
bool exchange_has_content(int status);

#endif
