/* SPDX-License-Identifier: MIT */
/*
 * A hash of short texts for tables: blocks of 8 bytes, each folded in by one 64 by 64
 * bit multiplication. Without the seed nobody can choose texts that collide.
 */
#ifndef TINCAN_BASE_HASH_H
#define TINCAN_BASE_HASH_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"

/* Odd, without a pattern: digits of the golden ratio and of pi. */
#define HASH_BLOCK UINT64_C(0x9e3779b97f4a7c15)
#define HASH_LAST UINT64_C(0x243f6a8885a308d3)

static inline uint64_t hash_fold(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Up to 8 bytes as a number; the fixed sizes let the compiler make plain loads of it. */
static inline uint64_t hash_load(const char *data, size_t size)
{
	uint64_t low = 0;
	uint32_t first;
	uint32_t last;

	if (size >= 8) {
		memcpy(&low, data, 8);
		return low;
	}
	if (size >= 4) {
		memcpy(&first, data, 4);
		memcpy(&last, data + size - 4, 4);
		return (uint64_t)last << 32 | first;
	}
	for (size_t i = 0; i < size; i++) {
		low = low << 8 | (unsigned char)data[i];
	}
	return low;
}

static inline uint64_t hash_text(struct slice text, uint64_t seed)
{
	uint64_t hash = seed ^ text.size * HASH_LAST;

	while (text.size > 8) {
		hash = hash_fold(hash ^ hash_load(text.data, 8), HASH_BLOCK);
		slice_skip(&text, 8);
	}
	hash = hash_fold(hash ^ hash_load(text.data, text.size), HASH_BLOCK);
	return hash_fold(hash, HASH_LAST);
}

/* A number that nobody can guess. */
static inline uint64_t hash_seed(void)
{
	uint64_t seed;

	arc4random_buf(&seed, sizeof(seed));
	return seed;
}

#endif
