/* SPDX-License-Identifier: MIT */
/*
 * The protocols that a client may ask for by ALPN (RFC 7301). Immutable. Worker.
 */
#ifndef TINCAN_TLS_PROTOCOLS_H
#define TINCAN_TLS_PROTOCOLS_H

#include <stdbool.h>

#include "base/slice.h"
#include "config/config.h"

struct tls_protocols;

struct tls_protocols *tls_protocols_new(const struct config *config);
void tls_protocols_free(struct tls_protocols *protocols);	/* NULL is accepted */

/* Their names by preference, each behind a byte that is its length; borrowed. Without
 * those of HTTP, it may be empty. */
struct slice tls_protocols_list(const struct tls_protocols *protocols, bool with_http);

#endif
