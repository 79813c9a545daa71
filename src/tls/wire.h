/* SPDX-License-Identifier: MIT */
/* Between OpenSSL, or who reads without it, and a socket. For session.c alone. */
#ifndef TINCAN_TLS_WIRE_H
#define TINCAN_TLS_WIRE_H

#include "tls/session.h"

/* Takes up to size bytes of what has come, as tls_session_read. */
int wire_take(struct tls_session *session, char *out, size_t size, size_t *got) MUST_USE;

/* Sends what is unsent and what this turn has gathered; keeps what does not go. */
int wire_flush(struct tls_session *session) MUST_USE;

#endif
