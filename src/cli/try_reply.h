/* SPDX-License-Identifier: MIT */
/* A reply as a person or a script reads it: HTTP/1.1's lines, ended by "\n" alone, then
 * the content as it is, whatever its framing would be. */
#ifndef TINCAN_CLI_TRY_REPLY_H
#define TINCAN_CLI_TRY_REPLY_H

#include <stdio.h>

#include "exchange/exchange.h"

/* Status line, fields, the empty line; the reply has started. */
void try_reply_head(const struct exchange *exchange, FILE *out);

/* What there is of the content, and takes it. ERR_SYSTEM: it cannot be read, if it comes
 * from a file, or not be written; ERR_CLOSED: the file has become shorter. Both with
 * errno. */
int try_reply_pieces(struct exchange *exchange, FILE *out) MUST_USE;

#endif
