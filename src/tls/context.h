/* SPDX-License-Identifier: MIT */
/*
 * What all TLS sessions of a generation share: certificates and keys, versions, ciphers,
 * tickets, protocols. The policy is Mozilla's "intermediate": TLS 1.2 and 1.3,
 * forward secrecy and AEAD only. No renegotiation, no compression. Counted, as a
 * handshake may outlive the generation that it began in.
 */
#ifndef TINCAN_TLS_CONTEXT_H
#define TINCAN_TLS_CONTEXT_H

#include <openssl/ssl.h>

#include "base/error.h"
#include "config/config.h"
#include "tls/clients.h"
#include "tls/identities.h"
#include "tls/protocols.h"
#include "tls/tickets.h"

struct tls_context {
	size_t references;
	SSL_CTX *ssl;		/* owned */
	struct tls_protocols *protocols;	/* owned */
	struct tls_identities *identities;	/* owned */
	struct tls_tickets tickets;
	int key_log_fd;		/* owned; -1: none */
	struct tls_clients *clients;	/* owned; NULL: nothing is demanded of them */
};

/*
 * Makes the context; reads the certificates. With one reference, the caller's.
 * What is wrong with the files becomes a problem, see tls/identities.h; the context is
 * good for everything else.
 *
 * @param tickets	the keys of session tickets, borrowed while there is a context;
 *	NULL: nobody is to resume
 * @param before	the one until now; or NULL
 * @return NULL, with a problem, if OpenSSL refuses the policy
 */
struct tls_context *tls_context_new(const struct config *config, enum tls_keys keys,
    const struct ticket_page *tickets, const struct tls_context *before,
    struct problems *problems);

/* Handshakes write what tls/key_log.h says to fd (borrowed) from now on; -1: nowhere. */
void tls_context_log_keys(struct tls_context *context, int fd);

struct tls_context *tls_context_ref(struct tls_context *context);
void tls_context_unref(struct tls_context *context);	/* NULL is accepted */

/* Do clients that ask for the one name and for the other (both from hostname_normal) get
 * the same certificate? */
bool tls_context_same(const struct tls_context *context, struct slice a, struct slice b);

#endif
