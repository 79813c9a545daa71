/* SPDX-License-Identifier: MIT */
/*
 * A request whose handler may block (TC_BLOCKING), in a process that has a loop to keep
 * free: on_request runs on a thread of its plugin, on an exchange of its own, the twin.
 *
 *	loop:	the exchange, held --submit--> queue		   --> exchange
 *	thread:		twin --on_request--> twin's reply --post--/
 *
 * The thread reads the request, which nobody changes while the exchange is held, and
 * writes its reply into the twin; what is ready goes to the loop, which says it to the
 * exchange. Only what both must know is behind a lock, which nobody holds for long.
 * Lifetime: until on_request has come back, the request is finished, and all of its reply
 * is sent or dropped.
 */
#ifndef TINCAN_PLUGIN_ERRAND_H
#define TINCAN_PLUGIN_ERRAND_H

#include "exchange/exchange.h"
#include "tincan/handler.h"

struct instance;

/* Runs on_request for the exchange, whose request is complete, on a thread. The exchange
 * is held until it has answered, or has its 503 at once: too many wait already. */
void errand_start(struct instance *instance, struct exchange *exchange);

/* Puts the functions that such a handler gets into its table in place of others. */
void errand_fill(tc_api *api);

#endif
