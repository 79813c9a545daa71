/* SPDX-License-Identifier: MIT */
/*
 * A hash table from text to a pointer. Keys are borrowed and must outlive the table;
 * values are the caller's. Seeded, so that chosen keys cannot make it slow. Set
 * aborts when out of memory: tables are filled at boot and reload.
 */
#ifndef TINCAN_BASE_TABLE_H
#define TINCAN_BASE_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct table_entry {
	struct slice key;	/* data is NULL in an empty place */
	uint64_t hash;
	void *value;
};

struct table {
	struct table_entry *entries;	/* owned; capacity is a power of two */
	size_t capacity;
	size_t count;
	uint64_t seed;
};

void table_init(struct table *table);
void table_release(struct table *table);

/* Sets key to value (not NULL); an earlier value of key is replaced. */
void table_set(struct table *table, struct slice key, void *value);

/* The value of key, or NULL. Any number of threads may look up at once. */
void *table_get(const struct table *table, struct slice key);

/* The next entry after *place (start with 0), or NULL at the end; no order. */
const struct table_entry *table_next(const struct table *table, size_t *place);

#endif
