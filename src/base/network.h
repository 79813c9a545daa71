/* SPDX-License-Identifier: MIT */
/*
 * Networks as operators write them: an address, or one with the length of its prefix
 * (RFC 4632, RFC 4291 section 2.3). IPv4 is kept as what IPv6 maps it to, so that a
 * client is the same whichever kind of socket it came by.
 */
#ifndef TINCAN_BASE_NETWORK_H
#define TINCAN_BASE_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define NETWORK_ADDRESS_BYTES 16	/* of IPv6, in the order of the net */

struct network {
	unsigned char address[NETWORK_ADDRESS_BYTES];
	uint8_t bits;		/* of the address, from its front, that count */
};

/* Maps the four bytes of an IPv4 address (::ffff:0:0/96). */
void network_map(const unsigned char v4[4], unsigned char out[NETWORK_ADDRESS_BYTES]);

/* Reads "10.0.0.0/8", "192.0.2.1", "fe80::/10", "::1". ERR_INVALID for what is none,
 * ERR_LIMIT for one with bits behind its prefix: what was meant cannot be told. */
int network_parse(const char *text, struct network *network) MUST_USE;

bool network_has(const struct network *network,
    const unsigned char address[NETWORK_ADDRESS_BYTES]);

#endif
