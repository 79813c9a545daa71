/* SPDX-License-Identifier: MIT */
/* The groups of the key exchange: those of the configuration, or ours. */
#ifndef TINCAN_TLS_GROUPS_H
#define TINCAN_TLS_GROUPS_H

#include <stdbool.h>

#include <openssl/ssl.h>

#include "base/error.h"
#include "config/config.h"

/*
 * Sets them, the first the one that is liked best. Without any in the configuration those
 * that this OpenSSL has of X25519MLKEM768, which keeps secret what is recorded now from
 * quantum computers to come, X25519, P-256 and P-384. One of the configuration that it
 * does not have is a problem. False: OpenSSL takes none.
 */
bool tls_groups_set(SSL_CTX *ssl, const struct config *config, struct problems *problems);

#endif
