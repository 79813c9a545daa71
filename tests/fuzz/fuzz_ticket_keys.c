/* SPDX-License-Identifier: MIT */
/*
 * Files of keys of session tickets: whatever stands in one, the keys that come of it have
 * names of their own, or else a line of it is named and the keys before are untouched.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tls/ticket_keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds) {
		abort();
	}
}

static void check_keys(const struct ticket_keys *keys)
{
	check(keys->count > 0 && keys->count <= TICKET_KEYS_MAX);
	for (size_t i = 0; i < keys->count; i++) {
		for (size_t k = 0; k < i; k++) {
			check(memcmp(keys->items[i].name, keys->items[k].name,
			    TICKET_NAME_BYTES) != 0);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = { (const char *)data, size };
	struct ticket_keys before = { .count = 1, .made_s = 7 };
	struct ticket_keys keys = before;
	struct problems problems;
	unsigned char seed[TICKET_SEED_BYTES];

	problems_init(&problems);
	if (ticket_keys_parse(&keys, "f", text, 9, &problems) == 0) {
		check(problems.count == 0);
		check_keys(&keys);
	} else {
		check(problems.errors == 1);
		check(memcmp(&keys, &before, sizeof(keys)) == 0);
	}
	problems_release(&problems);
	problems_init(&problems);
	check((ticket_seed(seed, "f", text, &problems) == 0) == (problems.count == 0));
	problems_release(&problems);
	return 0;
}
