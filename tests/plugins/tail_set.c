/* SPDX-License-Identifier: MIT */
/* Bad: sets a callback of a later level although its note needs level 1 only. */
#include "by_hand.h"

static tc_api table;

static int answer(tc_req *r)
{
	return table.text(r, 200, "never\n");
}

BY_HAND_NOTE(1, 1, "tail_set");

extern const struct future_handler exported __asm__("tincan_handler_1")
    __attribute__((visibility("default")));
const struct future_handler exported = {
	.now.size = sizeof exported,
	.now.need = 1,
	.now.api = &table,
	.now.api_size = sizeof table,
	.now.name = "tail_set",
	.now.on_request = answer,
	.on_something = answer,
};
