/* SPDX-License-Identifier: MIT */
/*
 * A certificate, its chain and its private key, or what stands in for the key: the one
 * place that decides which. Counted, as a generation takes over what it has in common
 * with the one before, and connections outlive both. Worker, preflight.
 */
#ifndef TINCAN_TLS_CERTIFICATE_H
#define TINCAN_TLS_CERTIFICATE_H

#include <stdbool.h>

#include <openssl/ssl.h>

#include "base/error.h"
#include "config/config.h"

/* Where the private keys are. */
enum tls_keys {
	TLS_KEYS_HERE,		/* read from their files, into this process */
	TLS_KEYS_KEPT		/* with the keeper: see tls/signer.h */
};

struct tls_certificate;

/*
 * With TLS_KEYS_HERE, reads the files of certificate and key, and holds them against each
 * other; with TLS_KEYS_KEPT, takes what the preflight has found in them. With one
 * reference, the caller's. What is wrong becomes a problem: unreadable, no PEM, a key of
 * another certificate, an encrypted one; a warning for certificates in disorder, or a key
 * that others may read.
 *
 * @return NULL if it cannot be used
 */
struct tls_certificate *tls_certificate_read(const struct config_certificate *config,
    enum tls_keys keys, struct problems *problems);

struct tls_certificate *tls_certificate_ref(struct tls_certificate *certificate);
/* NULL is accepted. */
void tls_certificate_unref(struct tls_certificate *certificate);

/* Its two files in one text, by which it is told from others. */
const char *tls_certificate_files(const struct tls_certificate *certificate);

/* What one read from its files is to those who only show it. All zero, but for the first
 * time: many hosts may have the same files. Owned by the caller. */
void tls_certificate_show(struct tls_certificate *certificate,
    struct config_shown *shown);

/* Is it still what is to be shown? */
bool tls_certificate_current(const struct tls_certificate *certificate,
    const struct config_shown *shown);

/* The host names that it is for, as base/hostname.h writes them; NULL-ended. */
char *const *tls_certificate_names(const struct tls_certificate *certificate);

/* Is it for that name? A name with a wildcard needs the same wildcard. */
bool tls_certificate_covers(const struct tls_certificate *certificate, const char *name);

/* OpenSSL's number of its kind of key: EVP_PKEY_EC, ... */
int tls_certificate_kind(const struct tls_certificate *certificate);

/* Are they the same certificate, wherever they were read from? */
bool tls_certificate_same(const struct tls_certificate *a,
    const struct tls_certificate *b);

/* Is among those that ssl, a connection or a context, may present. False: OpenSSL's
 * policy refuses it, for its error queue says why. */
bool tls_certificate_offer(const struct tls_certificate *certificate, SSL *ssl);
bool tls_certificate_offer_all(const struct tls_certificate *certificate, SSL_CTX *ssl);

/* Why OpenSSL's last call failed, in its words or the system's. */
const char *tls_last_reason(void);

/* Seconds since 1970; 0: it is NULL, or no time. */
int64_t tls_seconds(const ASN1_TIME *time);

#endif
