/* SPDX-License-Identifier: MIT */
/*
 * What is demanded of clients, by listener and host: nothing, or a certificate that one
 * of the listed CAs has issued. It is asked for in the handshake, the only time there is
 * for it: HTTP/2 has no other (RFC 9113 section 9.2.3), and we renegotiate nothing.
 * Immutable once built. Worker, preflight.
 */
#ifndef TINCAN_TLS_CLIENTS_H
#define TINCAN_TLS_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/ssl.h>

#include "base/error.h"
#include "base/slice.h"
#include "config/config.h"
#include "tls/trust.h"

/* What is demanded of some clients. */
struct tls_client_auth {
	enum config_clients mode;
	struct tls_trust *trust;	/* a reference; NULL: nobody is trusted */
	bool broken;			/* its files cannot be used: none gets in */
};

struct tls_clients;

/*
 * Reads the files of the configuration. One that cannot be used is a problem (an error,
 * or a warning if it is tolerated), and what it is for is broken.
 *
 * @param keys	with TLS_KEYS_KEPT it is the preflight that has read the files; what it
 *	shows is taken, and no file is read
 * @param before	until now: what is in both is not parsed again; or NULL
 * @return NULL if nothing is demanded of anybody
 */
struct tls_clients *tls_clients_new(const struct config *config, enum tls_keys keys,
    const struct tls_clients *before, struct problems *problems);
void tls_clients_free(struct tls_clients *clients);	/* NULL is accepted */

/* What the files of that demand, of config_clients_at, are to those who take it, see
 * tls/trust.h. False: they cannot be used; one without files has nothing to show. */
bool tls_clients_show(const struct tls_clients *clients,
    const struct config_client_auth *config, struct config_trust *shown);

/* What is demanded on that listener (its place in the configuration) of who asks for that
 * host (from hostname_normal, or ""). */
const struct tls_client_auth *tls_clients_find(const struct tls_clients *clients,
    size_t listener, struct slice host);

/*
 * A connection that is being opened asks for a certificate as demanded, or for none. It
 * resumes only sessions that were begun under the same demand, with the same CAs and
 * lists, and under that identity (of TLS_TRUST_ID_BYTES). False: it cannot.
 */
bool tls_client_auth_offer(const struct tls_client_auth *auth, SSL *ssl,
    const unsigned char *identity);

/*
 * Is a client from whom one thing was demanded as good as one from whom now the other is?
 * When no more than the content of the files has changed, its certificate is held against
 * the new one.
 */
bool tls_client_auth_admits(const struct tls_client_auth *now,
    const struct tls_client_auth *then, SSL *ssl);

/* May the session that a client wants to resume go on: have its certificate and the lists
 * it was held against not come to their end? */
bool tls_client_auth_resumes(const struct tls_client_auth *auth,
    const SSL_SESSION *session);

#endif
