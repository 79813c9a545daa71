/* SPDX-License-Identifier: MIT */
/*
 * The key log: the secrets of each handshake, as lines of NSS's format
 * (draft-ietf-tls-keylogfile), for who wants to look into recorded connections. Only if
 * the configuration asks for it by name, as whoever reads it can do that.
 */
#ifndef TINCAN_TLS_KEY_LOG_H
#define TINCAN_TLS_KEY_LOG_H

#include <openssl/ssl.h>

#include "base/error.h"
#include "config/config.h"

/*
 * Opens the file, which is made readable by its owner alone, to be appended to; and warns
 * of it. One that others may read is a problem, as one that cannot be opened is.
 *
 * @return the descriptor, owned by the caller; -1: none is wanted, or there is a problem
 */
int tls_key_log_open(const struct config *config, struct problems *problems) MUST_USE;

/* Handshakes by this context are logged to the descriptor of their session's. */
void tls_key_log_use(SSL_CTX *ssl);

#endif
