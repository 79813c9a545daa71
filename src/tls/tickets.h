/* SPDX-License-Identifier: MIT */
/*
 * Session tickets (RFC 5077, RFC 8446 section 4.6.1) of a context: sealed and opened by
 * the keys of the page. One that no key opens costs a full handshake, never an alert. A
 * ticket of TLS 1.3 is answered by a new one, as clients should use each but once
 * (section C.4); one of TLS 1.2, which everybody on the way can see, only when its key is
 * no more the newest. Worker.
 */
#ifndef TINCAN_TLS_TICKETS_H
#define TINCAN_TLS_TICKETS_H

#include <stdbool.h>

#include <openssl/ssl.h>

#include "config/config.h"
#include "ipc/ticket_page.h"

struct tls_tickets {
	const struct ticket_page *page;	/* borrowed; NULL: nobody is to resume */
	EVP_CIPHER *cipher;		/* owned; looked up once */
};

/* Makes ssl, whose sessions are tls_sessions, use them. False, with OpenSSL's error, if
 * it cannot; to be released in any case. */
bool tls_tickets_init(struct tls_tickets *tickets, const struct config_tickets *config,
    const struct ticket_page *page, SSL_CTX *ssl);
void tls_tickets_release(struct tls_tickets *tickets);

#endif
