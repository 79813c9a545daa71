/* SPDX-License-Identifier: MIT */
/*
 * Who is asking. An IPv6 client has not one address but a network of them, a /64 at
 * least, and could come with another one each time; so that network counts as one.
 */
#include <arpa/inet.h>
#include <string.h>

#include "limit.h"

/* The bits behind the prefix become 0. */
static void cut_address(unsigned char address[16], int prefix)
{
	for (int i = 0; i < 16; i++) {
		int bits = prefix - 8 * i;

		if (bits < 8) {
			address[i] &= (unsigned char)(bits > 0 ? 0xff00 >> bits : 0);
		}
	}
}

/* An IPv4 address as IPv6 has it, "::ffff:192.0.2.1", which is cut nowhere. */
static bool read_address(const char *text, int prefix, unsigned char address[16])
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	char plain[INET6_ADDRSTRLEN];
	size_t size = strcspn(text, "%");	/* a scope, fe80::1%eth0 */

	if (size >= sizeof plain) {
		return false;
	}
	memcpy(plain, text, size);
	plain[size] = '\0';
	if (inet_pton(AF_INET, plain, address + sizeof mapped) == 1) {
		memcpy(address, mapped, sizeof mapped);
		return true;
	}
	if (inet_pton(AF_INET6, plain, address) != 1) {
		return false;
	}
	if (memcmp(address, mapped, sizeof mapped) != 0) {
		cut_address(address, prefix);
	}
	return true;
}

uint64_t key_of(const struct keys *keys, const tc_req *r)
{
	const char *value = keys->header != NULL ? tc.header(r, keys->header) : NULL;
	const char *text = tc.info(r, "client.address");
	/* Other values of another kind: a header that says "192.0.2.1" is no address. */
	uint64_t seed[2] = { keys->seed[0], keys->seed[1] ^ (value != NULL) };
	unsigned char address[16];

	if (value != NULL) {
		return hash_bytes(seed, value, strlen(value));
	}
	if (text == NULL) {
		text = "";
	}
	if (read_address(text, keys->ipv6_prefix, address)) {
		return hash_bytes(seed, address, sizeof address);
	}
	return hash_bytes(seed, text, strlen(text));
}
