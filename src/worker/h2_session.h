/* SPDX-License-Identifier: MIT */
/*
 * HTTP/2 on a connection (RFC 9113): many requests at once, a stream and an exchange
 * each. nghttp2 knows the protocol; h2_stream.h has the parts. Lifetime: connection.
 */
#ifndef TINCAN_WORKER_H2_SESSION_H
#define TINCAN_WORKER_H2_SESSION_H

#include "worker/session.h"

/* NULL when out of memory. */
struct session *h2_session_new(struct connection *connection);

#endif
