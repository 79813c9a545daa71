/* SPDX-License-Identifier: MIT */
/*
 * Whose certificates are good: CAs and what they have revoked, from the two files of a
 * "client_ca" and its "client_crl". Each certificate in the first is trusted by itself,
 * whoever has issued it. Where there are lists, each certificate on the way up to a
 * trusted one must be in the range of a list that is in force (RFC 5280 section 6.3):
 * one that has expired, or is missing, refuses.
 *
 * The preflight reads the files, and shows what it has found in them; workers take that.
 * Immutable and counted, as a generation takes over what has not changed.
 */
#ifndef TINCAN_TLS_TRUST_H
#define TINCAN_TLS_TRUST_H

#include <stdbool.h>
#include <time.h>

#include <openssl/ssl.h>

#include "base/error.h"
#include "config/config.h"
#include "tls/certificate.h"

#define TLS_TRUST_ID_BYTES 32	/* SHA-256 */

struct tls_trust;

/*
 * With TLS_KEYS_HERE, reads the files; with TLS_KEYS_KEPT, takes what was found in them.
 * With one reference, the caller's. What is wrong becomes a problem: unreadable, no
 * PEM, nothing in it, a list that another CA of that name has signed; a warning for what
 * makes clients be refused: what has expired, a CA without a list.
 *
 * @return NULL if it cannot be used
 */
struct tls_trust *tls_trust_read(const struct config_client_auth *config,
    enum tls_keys keys, struct problems *problems);

/* What one read from its files is to those who take it. All NULL, but for the first time:
 * many hosts may have the same files. Owned by the caller. */
void tls_trust_show(struct tls_trust *trust, struct config_trust *shown);

struct tls_trust *tls_trust_ref(struct tls_trust *trust);
void tls_trust_unref(struct tls_trust *trust);	/* NULL is accepted */

/* Is it that of these files? */
bool tls_trust_is_of(const struct tls_trust *trust,
    const struct config_client_auth *config);

/* Is it still what was found in them? */
bool tls_trust_current(const struct tls_trust *trust, const struct config_trust *shown);

/* Were both read from the same files, now and then? */
bool tls_trust_akin(const struct tls_trust *a, const struct tls_trust *b);

/* What it consists of, in TLS_TRUST_ID_BYTES: another one when anything in it changes. */
const unsigned char *tls_trust_id(const struct tls_trust *trust);

/* Has one of its lists come to its end? Then nothing that was verified before goes on. */
bool tls_trust_is_over(const struct tls_trust *trust, time_t now);

/* The connection asks for certificates of these CAs, and verifies by them. False: out of
 * memory. */
bool tls_trust_offer(const struct tls_trust *trust, SSL *ssl);

/* Is the certificate that the peer of the connection has shown still good? */
bool tls_trust_covers(const struct tls_trust *trust, SSL *ssl);

/* What a connection that verifies does with the word on each certificate: that a trusted
 * one is in no list is no fault. An SSL_verify_cb. */
int tls_trust_judge(int good, X509_STORE_CTX *check);

#endif
