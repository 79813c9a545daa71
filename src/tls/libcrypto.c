/* SPDX-License-Identifier: MIT */
/* libcrypto, woken. */
#include "tls/libcrypto.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

void libcrypto_wake(void)
{
	unsigned char byte;

	(void)OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
	(void)RAND_bytes(&byte, 1);
	(void)RAND_priv_bytes(&byte, 1);
}
