/* SPDX-License-Identifier: MIT */
/*
 * An OpenSSL provider whose private keys are elsewhere: of a key it has the public half,
 * and a signature is asked for by a function of the worker's. libssl takes such a key
 * like any other. Its keys cannot be exported, as libssl would then sign in the default
 * provider (and fail). provider-keymgmt(7), provider-signature(7).
 *
 * The process's; of libcrypto's default library context.
 */
#ifndef TINCAN_TLS_PROVIDER_H
#define TINCAN_TLS_PROVIDER_H

#include <stdint.h>

#include <openssl/evp.h>

#include "base/error.h"
#include "base/slice.h"
#include "ipc/sign.h"

/*
 * Signs text with the key, whose public half has the SHA-256 key, by a SignatureScheme of
 * TLS; may pause the ASYNC job that it runs in. Returns the size of the signature, of at
 * most SIGN_SIGNATURE_MAX bytes, or 0.
 */
typedef size_t provider_sign_fn(const unsigned char key[SIGN_KEY_BYTES], uint16_t scheme,
    struct slice text, unsigned char *signature);

/* Makes the provider known; once. ERR_SYSTEM: libcrypto does not take it. */
int provider_load(provider_sign_fn *sign) MUST_USE;

/* Before the end of the process, when none of its keys is in use. */
void provider_unload(void);

/* The key whose public half this is, to be given to libssl as a private one; owned by the
 * caller. NULL for a kind of key that we do not have (RSA, EC, Ed25519), or no memory;
 * libcrypto's error queue says why. */
EVP_PKEY *provider_key(const EVP_PKEY *public_half);

#endif
