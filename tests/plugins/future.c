/* SPDX-License-Identifier: MIT */
/*
 * Good: built with a header newer than the server's, but needing level 1 only. What it does
 * not know of stays 0. Asked for "/careless" it calls an entry that the server lacks.
 */
#include <string.h>
#include <tincan/handler.h>

struct future_api {
	tc_api now;
	int (*added)(tc_req *r);
	int (*added_later)(tc_req *r);
};

struct future_handler {
	tc_handler now;
	int (*on_something)(tc_req *r);
};

static struct future_api future;

static int answer(tc_req *r)
{
	int has = offsetof(struct future_api, added) + sizeof future.added <= future.now.size;

	if (strcmp(future.now.path(r), "/careless") == 0) {
		return future.added_later(r);
	}
	return future.now.text(r, 200, has ? "uses it\n" : "doing without\n");
}

TC_NOTE static const tc_note note = { 7, sizeof(tc_note) - offsetof(tc_note, abi), 1, "TINCAN",
	1, 1, 2, 2, "future" };

extern const struct future_handler tincan_handler_1_ __asm__("tincan_handler_1")
    __attribute__((visibility("default")));
const struct future_handler tincan_handler_1_ = { .now = { .size = sizeof(struct future_handler),
	.need = 1, .api = &future.now, .api_size = sizeof future, .name = "future",
	.on_request = answer } };
