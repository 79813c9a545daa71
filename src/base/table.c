/* SPDX-License-Identifier: MIT */
/* A hash table from text to a pointer: open addressing, at most three quarters full. */
#define _GNU_SOURCE 1
#include "base/table.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/memory.h"

#define TABLE_FIRST 16	/* places of the smallest table; a power of two */

void table_init(struct table *table)
{
	*table = (struct table){ .seed = hash_seed() };
}

void table_release(struct table *table)
{
	free(table->entries);
	table_init(table);
}

/* The place that holds key, or the empty one where it belongs. There always is one. */
static struct table_entry *find_place(const struct table *table, struct slice key,
    uint64_t hash)
{
	size_t mask = table->capacity - 1;
	size_t at = (size_t)hash & mask;

	for (;; at = (at + 1) & mask) {
		struct table_entry *entry = &table->entries[at];

		if (entry->key.data == NULL) {
			return entry;
		}
		if (entry->hash == hash && slice_equal(entry->key, key)) {
			return entry;
		}
	}
}

static void grow(struct table *table)
{
	struct table old = *table;

	table->capacity = old.capacity == 0 ? TABLE_FIRST : old.capacity * 2;
	table->entries = memory_new(table->capacity, sizeof(*table->entries));
	for (size_t i = 0; i < old.capacity; i++) {
		const struct table_entry *entry = &old.entries[i];

		if (entry->key.data != NULL) {
			*find_place(table, entry->key, entry->hash) = *entry;
		}
	}
	free(old.entries);
}

void table_set(struct table *table, struct slice key, void *value)
{
	uint64_t hash = hash_text(key, table->seed);
	struct table_entry *entry;

	if (table->count >= table->capacity / 4 * 3) {
		grow(table);
	}
	if (key.data == NULL) {
		key.data = "";
	}
	entry = find_place(table, key, hash);
	if (entry->key.data == NULL) {
		entry->key = key;
		entry->hash = hash;
		table->count++;
	}
	entry->value = value;
}

void *table_get(const struct table *table, struct slice key)
{
	if (table->count == 0) {
		return NULL;
	}
	return find_place(table, key, hash_text(key, table->seed))->value;
}

const struct table_entry *table_next(const struct table *table, size_t *place)
{
	while (*place < table->capacity) {
		const struct table_entry *entry = &table->entries[(*place)++];

		if (entry->key.data != NULL) {
			return entry;
		}
	}
	return NULL;
}
