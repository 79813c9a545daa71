/* SPDX-License-Identifier: MIT */
/* How workers and the keeper call a key, of which each has but one half. */
#ifndef TINCAN_TLS_KEY_NAME_H
#define TINCAN_TLS_KEY_NAME_H

#include <openssl/evp.h>

#include "base/error.h"
#include "ipc/sign.h"

/* SHA-256 of its SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7). ERR_INVALID. */
int tls_key_name(const EVP_PKEY *key, unsigned char name[SIGN_KEY_BYTES]) MUST_USE;

#endif
