/* SPDX-License-Identifier: MIT */
/* Bad: sets a callback of a later level although its note needs level 1 only. */
#include <tincan/handler.h>

struct future_handler {
	tc_handler now;
	int (*on_nothing)(tc_req *r);
	int (*on_something)(tc_req *r);
};

static tc_api table;

static int answer(tc_req *r)
{
	return table.text(r, 200, "never\n");
}

TC_NOTE static const tc_note note = { 7, sizeof(tc_note) - offsetof(tc_note, abi), 1, "TINCAN",
	1, 1, 2, 2, "tail_set" };

extern const struct future_handler tincan_handler_1_ __asm__("tincan_handler_1")
    __attribute__((visibility("default")));
const struct future_handler tincan_handler_1_ = { .now = { .size = sizeof(struct future_handler),
	.need = 1, .api = &table, .api_size = sizeof table, .name = "tail_set",
	.on_request = answer }, .on_something = answer };
