/* SPDX-License-Identifier: MIT */
/* Bad: its descriptor says that it is smaller than any. */
#include "by_hand.h"

tc_api tc;

static int never(tc_req *r)
{
	return tc.text(r, 200, "never\n");
}

BY_HAND_NOTE(1, 1, "small_size");

const tc_handler tincan_handler_1 = {
	.size = 16,
	.need = 1,
	.api = &tc,
	.api_size = sizeof tc,
	.name = "small_size",
	.on_request = never,
};
