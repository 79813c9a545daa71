/* SPDX-License-Identifier: MIT */
/* The BIO between OpenSSL and a socket. For session.c alone. */
#ifndef TINCAN_TLS_WIRE_H
#define TINCAN_TLS_WIRE_H

#include "tls/session.h"

/* Sends what is unsent and what this turn has gathered; keeps what does not go. */
int wire_flush(struct tls_session *session) MUST_USE;

#endif
