/* SPDX-License-Identifier: MIT */
/* Networks as operators write them. */
#include "base/network.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>


#define BITS (8 * NETWORK_ADDRESS_BYTES)
#define V4_BITS 32

void network_map(const unsigned char v4[4], unsigned char out[NETWORK_ADDRESS_BYTES])
{
	memset(out, 0, 10);
	memset(out + 10, 0xff, 2);
	memcpy(out + 12, v4, 4);
}

/* Of what is before the slash; *bits is how many its kind has. */
static int parse_address(const char *text, size_t size, struct network *network,
    unsigned *bits)
{
	char host[INET6_ADDRSTRLEN];
	unsigned char v4[4];

	if (size >= sizeof(host)) {
		return ERR_INVALID;
	}
	memcpy(host, text, size);
	host[size] = '\0';
	if (inet_pton(AF_INET, host, v4) == 1) {
		network_map(v4, network->address);
		*bits = V4_BITS;
		return 0;
	}
	*bits = BITS;
	return inet_pton(AF_INET6, host, network->address) == 1 ? 0 : ERR_INVALID;
}

/* The number behind the slash: 0..max, in plain digits. */
static int parse_bits(const char *text, unsigned max, unsigned *bits)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 3 || text[digits] != '\0') {
		return ERR_INVALID;
	}
	*bits = (unsigned)strtoul(text, NULL, 10);
	return *bits <= max ? 0 : ERR_INVALID;
}

/* Is none of the bits set that the prefix leaves? */
static bool is_clear_behind(const struct network *network)
{
	for (unsigned bit = network->bits; bit < BITS; bit++) {
		if (network->address[bit / 8] & (0x80 >> bit % 8)) {
			return false;
		}
	}
	return true;
}

int network_parse(const char *text, struct network *network)
{
	size_t size = strcspn(text, "/");
	unsigned whole;
	unsigned bits;

	if (parse_address(text, size, network, &whole) != 0) {
		return ERR_INVALID;
	}
	bits = whole;
	if (text[size] == '/' && parse_bits(text + size + 1, whole, &bits) != 0) {
		return ERR_INVALID;
	}
	network->bits = (uint8_t)(BITS - whole + bits);
	return is_clear_behind(network) ? 0 : ERR_LIMIT;
}

bool network_has(const struct network *network,
    const unsigned char address[NETWORK_ADDRESS_BYTES])
{
	size_t whole = network->bits / 8;
	unsigned char mask = (unsigned char)(0xff00 >> network->bits % 8);

	if (memcmp(network->address, address, whole) != 0) {
		return false;
	}
	return mask == 0 || ((network->address[whole] ^ address[whole]) & mask) == 0;
}
