/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the filter limit share. A request walks through them in this order:
 * limit.c asks key.c who is asking, and buckets.c whether that one may.
 */
#ifndef TINCAN_PLUGINS_LIMIT_H
#define TINCAN_PLUGINS_LIMIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tincan/handler.h>

/* buckets.c: token buckets in memory that all instances share. */

#define LINE_SLOTS 8		/* that share a cache line, where a key has its slot */

/* Lies in tc.shared, where it is zero at first; nothing in it can be wrong. It holds the
 * buckets of all limits that want as many slots: such memory is never given back, so a
 * limit that is changed must not need another. */
struct table {
	_Atomic uint64_t seed[2];	/* of the keys' hash; 0: not chosen yet */
	uint64_t unused[6];		/* so that the lines of slots are cache lines */
	_Atomic uint64_t slots[];
};

struct buckets {
	struct table *table;	/* borrowed, until on_close */
	size_t lines;		/* of LINE_SLOTS slots */
	uint64_t interval_us;	/* until there is one more token in a bucket */
	uint64_t burst_us;	/* until an empty one is full */
};

struct take {
	bool allowed;
	bool evicted;		/* another bucket that was not full yet */
	uint64_t left;		/* tokens */
	uint64_t wait_us;	/* until there is one, if not allowed */
	uint64_t full_us;	/* until the bucket is full again */
};

/* The longest that a bucket may take to fill up. */
#define BUCKET_MAX_US ((uint64_t)1 << 41)	/* 25 days */

size_t table_bytes(size_t lines);
/* Chooses the seed if nobody has; all who share the table get the same. */
void table_seed(struct table *table, uint64_t seed[2]);
/* One token of the bucket with that hash. [any process] */
struct take buckets_take(const struct buckets *buckets, uint64_t hash, uint64_t now_us);

/* key.c: who is asking, as a number that nobody outside can foresee. */

struct keys {
	const char *header;	/* the field that says who; NULL: the address does */
	int ipv6_prefix;	/* bits of an address that one client has to itself */
	uint64_t seed[2];
};

uint64_t key_of(const struct keys *keys, const tc_req *r);

/* hash.c: SipHash-2-4 (Aumasson and Bernstein, 2012). */
uint64_t hash_bytes(const uint64_t seed[2], const void *data, size_t size);

#endif
