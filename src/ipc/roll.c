/* SPDX-License-Identifier: MIT */
/* A roll. */
#include "ipc/roll.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define CONTENT offsetof(struct roll_entry, kind)

bool roll_name(struct roll_entry *entry, const char *name, const char *note)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
	size_t size = strspn(name, allowed);

	memset(entry->name, 0, sizeof(entry->name));
	memset(entry->note, 0, sizeof(entry->note));
	if (size == 0 || size >= sizeof(entry->name) || name[size] != '\0') {
		return false;
	}
	memcpy(entry->name, name, size);
	snprintf(entry->note, sizeof(entry->note), "%s", note);
	return true;
}

static void copy(struct roll_entry *to, const struct roll_entry *from)
{
	memcpy((char *)to + CONTENT, (const char *)from + CONTENT,
	    sizeof(*to) - CONTENT);
}

int roll_get(const struct roll *roll, uint32_t place, struct roll_entry *entry)
{
	uint32_t number;

	if (place >= ROLL_PLACES) {
		return ERR_LIMIT;
	}
	number = atomic_load_explicit(&roll->order[place], memory_order_acquire);
	if (number == 0) {
		return ERR_MISSING;
	}
	if (number > ROLL_PLACES) {
		return ERR_PROTOCOL;
	}
	copy(entry, &roll->entries[number - 1]);
	return 0;
}

/* An entry that nobody else fills in, or has, with what is wanted in it; or NULL. */
static struct roll_entry *take(struct roll *roll, const struct roll_entry *wanted)
{
	for (size_t i = 0; i < ROLL_PLACES; i++) {
		struct roll_entry *entry = &roll->entries[i];

		if (atomic_load_explicit(&entry->taken, memory_order_relaxed) == 0 &&
		    atomic_exchange(&entry->taken, 1) == 0) {
			copy(entry, wanted);
			return entry;
		}
	}
	return NULL;
}

/* Unless another process is first. */
static int put(struct roll *roll, uint32_t place, const struct roll_entry *wanted)
{
	struct roll_entry *entry = take(roll, wanted);
	uint32_t none = 0;

	if (entry == NULL) {
		return ERR_LIMIT;
	}
	if (!atomic_compare_exchange_strong(&roll->order[place], &none,
		(uint32_t)(entry - roll->entries) + 1)) {
		atomic_store(&entry->taken, 0);
	}
	return 0;
}

int roll_at(struct roll *roll, uint32_t place, const struct roll_entry *otherwise,
    struct roll_entry *entry)
{
	int rc = roll_get(roll, place, entry);

	if (rc != ERR_MISSING || otherwise == NULL) {
		return rc;
	}
	rc = put(roll, place, otherwise);
	rc = rc != 0 ? rc : roll_get(roll, place, entry);
	/* No place is ever emptied. */
	return rc == ERR_MISSING ? ERR_PROTOCOL : rc;
}
