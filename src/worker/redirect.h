/* SPDX-License-Identifier: MIT */
/* Listeners without TLS: they have one answer, where to ask instead; and maybe one
 * exception. */
#ifndef TINCAN_WORKER_REDIRECT_H
#define TINCAN_WORKER_REDIRECT_H

#include "exchange/exchange.h"
#include "worker/connection.h"

/* Is the request, whose header has been read, what an ACME authority asks for, and that
 * answered on this listener? Then it is dispatched as any. */
bool redirect_excepts(const struct connection *connection, const struct request *request);

/* Answers the request, whose header has been read, with the https:// URL of the same
 * resource (308, RFC 9110 section 15.4.9); 400 where it names no host or no resource. */
void redirect_answer(const struct connection *connection, struct exchange *exchange);

#endif
