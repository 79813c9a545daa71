/* SPDX-License-Identifier: MIT */
/*
 * Pointers by their numbers, which differ, in the order of these. The values are the
 * caller's. All zeroes, it is empty. Add aborts when out of memory.
 */
#ifndef TINCAN_BASE_NUMBERED_H
#define TINCAN_BASE_NUMBERED_H

#include <stddef.h>
#include <stdint.h>

struct numbered_item {
	uint64_t number;
	void *value;		/* not NULL */
};

struct numbered {
	struct numbered_item *items;	/* owned; upwards */
	size_t count;
};

void numbered_release(struct numbered *numbered);

/* Adds the value under a number that has none. */
void numbered_add(struct numbered *numbered, uint64_t number, void *value);

/* The value of that number, or NULL; take removes it, too. */
void *numbered_find(const struct numbered *numbered, uint64_t number);
void *numbered_take(struct numbered *numbered, uint64_t number);

#endif
