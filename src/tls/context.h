/* SPDX-License-Identifier: MIT */
/*
 * What all TLS sessions of a generation share: certificate, key, versions, ciphers,
 * ticket keys. The policy is Mozilla's "intermediate": TLS 1.2 and 1.3, forward secrecy
 * and AEAD only. No renegotiation, no compression. Lifetime: generation.
 */
#ifndef TINCAN_TLS_CONTEXT_H
#define TINCAN_TLS_CONTEXT_H

#include <openssl/ssl.h>

#include "base/error.h"
#include "config/config.h"
#include "tls/protocols.h"

/* Keys that seal session tickets; one set for all workers, so that any of them can resume
 * what another began. Made by the master at boot, kept in memory only. */
struct tls_tickets {
	unsigned char keys[80];
};

/* Fills tickets with random bytes. ERR_SYSTEM if the kernel gives none. */
int tls_tickets_make(struct tls_tickets *tickets) MUST_USE;

/* Where the private keys are. */
enum tls_keys {
	TLS_KEYS_HERE,		/* read from their files, into this process */
	TLS_KEYS_KEPT		/* with the keeper: see tls/signer.h */
};

struct tls_context {
	SSL_CTX *ssl;		/* owned */
	struct tls_protocols *protocols;	/* a reference */
};

/*
 * Makes the context; reads certificate and, with TLS_KEYS_HERE, key files. What is wrong
 * with them becomes a problem (unreadable, not PEM, key of another certificate; a warning
 * for an expired one or a key that others may read). ERR_INVALID if there was an error.
 */
int tls_context_init(struct tls_context *context, const struct config *config,
    enum tls_keys keys, const struct tls_tickets *tickets,
    struct problems *problems) MUST_USE;
void tls_context_release(struct tls_context *context);

#endif
