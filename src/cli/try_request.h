/* SPDX-License-Identifier: MIT */
/* The request of "tincan try": made into the bytes that a client would send, and read by
 * the server's own reader, so that a handler gets what it would get, or nothing. */
#ifndef TINCAN_CLI_TRY_REQUEST_H
#define TINCAN_CLI_TRY_REQUEST_H

#include "cli/cli.h"
#include "exchange/exchange.h"

/* An option's value: the text itself or, behind "@", a file's name; "@-" is standard
 * input. */
struct try_text {
	const char *where;	/* borrowed: the option, or the file, for messages */
	char *data;		/* owned by the caller, who frees it; NUL behind */
	size_t size;
};

/* What option ("--data") was given as value; NULL: nothing, size 0. ERR_SYSTEM, with a
 * problem. */
int try_text_read(const char *option, const char *value, struct try_text *text,
    struct problems *problems) MUST_USE;

/* Fills in the request of exchange, fresh from exchange_init, from method, target and
 * fields of cli, and body (borrowed; NULL: the request has no content). ERR_INVALID, with
 * problems. */
int try_request_make(const struct cli *cli, const struct try_text *body,
    struct exchange *exchange, struct problems *problems) MUST_USE;

#endif
