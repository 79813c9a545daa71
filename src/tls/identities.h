/* SPDX-License-Identifier: MIT */
/*
 * Which certificates are presented under which name. An identity is what is presented
 * together: certificates of the same names with different kinds of key, of which OpenSSL
 * takes the best that the client can use. Each virtual host of the configuration has its
 * own, or else the server's; among them, the names of the certificates decide, and the
 * first has the rest. Immutable once built. Worker, preflight.
 */
#ifndef TINCAN_TLS_IDENTITIES_H
#define TINCAN_TLS_IDENTITIES_H

#include <stdbool.h>

#include <openssl/ssl.h>

#include "base/error.h"
#include "base/slice.h"
#include "config/config.h"
#include "tls/certificate.h"

struct tls_identities;
struct tls_identity;

/*
 * Reads the certificates of the configuration. One that cannot be used is a problem (an
 * error, or a warning if it is tolerated), and stops no other: a name that has no other
 * certificate of its host has no identity.
 *
 * @param keys	with TLS_KEYS_KEPT it is the preflight that has read the files, and held
 *	keys against certificates; those that it shows are taken, and no file is read
 * @param before	the identities until now: what is in both is not parsed again; or
 *	NULL
 * @param policy	what is to use them: it says which are too weak
 */
struct tls_identities *tls_identities_new(const struct config *config,
    enum tls_keys keys, const struct tls_identities *before, SSL_CTX *policy,
    struct problems *problems);
void tls_identities_free(struct tls_identities *identities);	/* NULL is accepted */

/* What that certificate is to those who only show it, see tls/certificate.h. False: it
 * cannot be used. */
bool tls_identities_show(const struct tls_identities *identities,
    const struct config_certificate *config, struct config_shown *shown);

/* What a host (from hostname_normal, or "") gets; NULL: its certificate is broken. */
const struct tls_identity *tls_identities_find(const struct tls_identities *identities,
    struct slice host);

/* The identity of every name, if there is but one. */
const struct tls_identity *tls_identities_only(const struct tls_identities *identities);

/* What a session that begins under it is bound to, of 32 bytes. */
const unsigned char *tls_identity_session_id(const struct tls_identity *identity);

/* Would a client take both for the same? NULL is like nothing but NULL. */
bool tls_identity_same(const struct tls_identity *a, const struct tls_identity *b);

/* The connection, or all of the context, presents this identity and no other, and resumes
 * only sessions that began with it. False, with OpenSSL's error, if it cannot. */
bool tls_identity_offer(const struct tls_identity *identity, SSL *ssl);
bool tls_identity_offer_all(const struct tls_identity *identity, SSL_CTX *ssl);

#endif
