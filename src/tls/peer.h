/* SPDX-License-Identifier: MIT */
/*
 * The client of a session that was asked for a certificate: what it was held against,
 * and what the certificate says. Of one that was not asked there is none. What it says is
 * looked up when somebody asks, once. Lifetime: its session's.
 */
#ifndef TINCAN_TLS_PEER_H
#define TINCAN_TLS_PEER_H

#include <stdbool.h>

#include <openssl/ssl.h>

#include "base/error.h"

struct tls_client_auth;
struct tls_peer;

/* NULL when out of memory. The demand is borrowed. */
struct tls_peer *tls_peer_new(const struct tls_client_auth *auth);
void tls_peer_free(struct tls_peer *peer);	/* NULL is accepted */

/* What it was held against; or is from now on. */
const struct tls_client_auth *tls_peer_auth(const struct tls_peer *peer);
void tls_peer_set_auth(struct tls_peer *peer, const struct tls_client_auth *auth);

/* Has the client of ssl shown a certificate? */
bool tls_peer_shown(const SSL *ssl);

/*
 * A fact by its name: "verify": "ok", "none" if it has shown none, else in a word what is
 * wrong; "subject", "issuer", "serial", "san", "fingerprint", "not_before", "not_after",
 * as tls/x509_text.h has them. The peer's; NULL where there is no such thing.
 */
const char *tls_peer_fact(struct tls_peer *peer, const SSL *ssl, const char *name);

#endif
