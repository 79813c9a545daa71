/* SPDX-License-Identifier: MIT */
/*
 * Good: built with a header newer than the server's, but needing level 1 only. Asked for
 * "/careless" it calls an entry that the server lacks.
 */
#include <string.h>

#include "by_hand.h"

struct future_api {
	tc_api now;
	int (*added)(tc_req *r);
	int (*added_later)(tc_req *r);
};

static struct future_api future;

static int answer(tc_req *r)
{
	size_t end = offsetof(struct future_api, added) + sizeof future.added;
	int has = end <= future.now.size;

	if (strcmp(future.now.path(r), "/careless") == 0) {
		return future.added_later(r);
	}
	return future.now.text(r, 200, has ? "uses it\n" : "doing without\n");
}

BY_HAND_NOTE(1, 1, "future");

extern const struct future_handler exported __asm__("tincan_handler_1")
    __attribute__((visibility("default")));
const struct future_handler exported = {
	.now.size = sizeof exported,
	.now.need = 1,
	.now.api = &future.now,
	.now.api_size = sizeof future,
	.now.name = "future",
	.now.on_request = answer,
};
