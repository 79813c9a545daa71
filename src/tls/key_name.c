/* SPDX-License-Identifier: MIT */
/* How workers and the keeper call a key. */
#include "tls/key_name.h"

#include <stdbool.h>

#include <openssl/x509.h>

int tls_key_name(const EVP_PKEY *key, unsigned char name[SIGN_KEY_BYTES])
{
	unsigned char *der = NULL;
	int size = i2d_PUBKEY(key, &der);
	bool done = size > 0 &&
	    EVP_Digest(der, (size_t)size, name, NULL, EVP_sha256(), NULL) == 1;

	OPENSSL_free(der);
	return done ? 0 : ERR_INVALID;
}
