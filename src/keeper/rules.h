/* SPDX-License-Identifier: MIT */
/*
 * What the keeper signs: what a TLS server signs in a handshake, and nothing else. So who
 * has taken over a worker can finish handshakes while it lives, but sign no certificate
 * request, no token, and no handshake of a client. Bytes in, an answer out.
 */
#ifndef TINCAN_KEEPER_RULES_H
#define TINCAN_KEEPER_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* How a signature is made; what a key is. */
enum rules_key { RULES_RSA, RULES_P256, RULES_P384, RULES_P521, RULES_ED25519 };

/*
 * Is text what a server signs by that SignatureScheme (RFC 8446 section 4.2.3) with such
 * a key: the CertificateVerify of TLS 1.3 (RFC 8446 section 4.4.3) or the
 * ServerKeyExchange of TLS 1.2 (RFC 5246 section 7.4.3, RFC 8422 section 5.4)?
 */
bool rules_allow(enum rules_key key, uint16_t scheme, struct slice text);

#endif
