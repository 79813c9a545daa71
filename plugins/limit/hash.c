/* SPDX-License-Identifier: MIT */
/*
 * SipHash-2-4: who does not know the seed cannot find two keys with the same hash, and so
 * cannot use up another client's tokens.
 */
#include <string.h>

#include "limit.h"

static uint64_t rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static void mix(uint64_t v[4], int rounds)
{
	while (rounds-- > 0) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] = rotate(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] = rotate(v[2], 32);
	}
}

static void take_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	mix(v, 2);
	v[0] ^= word;
}

/* Up to 8 bytes, the first one lowest. */
static uint64_t read_word(const unsigned char *data, size_t size)
{
	uint64_t word = 0;

	for (size_t i = 0; i < size; i++) {
		word |= (uint64_t)data[i] << (8 * i);
	}
	return word;
}

uint64_t hash_bytes(const uint64_t seed[2], const void *data, size_t size)
{
	uint64_t v[4] = { seed[0] ^ 0x736f6d6570736575, seed[1] ^ 0x646f72616e646f6d,
		seed[0] ^ 0x6c7967656e657261, seed[1] ^ 0x7465646279746573 };
	const unsigned char *at = data;
	size_t left = size;

	for (; left >= 8; left -= 8, at += 8) {
		take_word(v, read_word(at, 8));
	}
	take_word(v, read_word(at, left) | (uint64_t)size << 56);
	v[2] ^= 0xff;
	mix(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
