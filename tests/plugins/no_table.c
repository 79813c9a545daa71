/* SPDX-License-Identifier: MIT */
/* Bad: it has no function table to fill in. */
#include "by_hand.h"

tc_api tc;

static int never(tc_req *r)
{
	return tc.text(r, 200, "never\n");
}

BY_HAND_NOTE(1, 1, "no_table");

const tc_handler tincan_handler_1 = {
	.size = sizeof(tc_handler),
	.need = 1,
	.api_size = sizeof tc,
	.name = "no_table",
	.on_request = never,
};
