/* SPDX-License-Identifier: MIT */
/* Listeners without TLS: they have one answer, where to ask instead. */
#ifndef TINCAN_WORKER_REDIRECT_H
#define TINCAN_WORKER_REDIRECT_H

#include "exchange/exchange.h"
#include "worker/connection.h"

/* Answers the request, whose header has been read, with the https:// URL of the same
 * resource (308, RFC 9110 section 15.4.9); 400 where it names no host or no resource. */
void redirect_answer(const struct connection *connection, struct exchange *exchange);

#endif
