/* SPDX-License-Identifier: MIT */
/* Pointers by their numbers. */
#include "base/numbered.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* The place of that number, or of the first behind it. */
static size_t place_of(const struct numbered *numbered, uint64_t number)
{
	size_t low = 0;
	size_t high = numbered->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (numbered->items[middle].number < number) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

static struct numbered_item *find(const struct numbered *numbered, uint64_t number)
{
	size_t place = place_of(numbered, number);

	return place < numbered->count && numbered->items[place].number == number ?
	    &numbered->items[place] : NULL;
}

void numbered_release(struct numbered *numbered)
{
	free(numbered->items);
	*numbered = (struct numbered){ 0 };
}

void numbered_add(struct numbered *numbered, uint64_t number, void *value)
{
	size_t place = place_of(numbered, number);
	struct numbered_item *items = memory_grow(numbered->items, numbered->count + 1,
	    sizeof(*items));

	memmove(&items[place + 1], &items[place],
	    (numbered->count - place) * sizeof(*items));
	items[place] = (struct numbered_item){ number, value };
	numbered->items = items;
	numbered->count++;
}

void *numbered_find(const struct numbered *numbered, uint64_t number)
{
	const struct numbered_item *item = find(numbered, number);

	return item == NULL ? NULL : item->value;
}

void *numbered_take(struct numbered *numbered, uint64_t number)
{
	struct numbered_item *item = find(numbered, number);
	void *value;

	if (item == NULL) {
		return NULL;
	}
	value = item->value;
	numbered->count--;
	memmove(item, item + 1,
	    (size_t)(&numbered->items[numbered->count] - item) * sizeof(*item));
	return value;
}
