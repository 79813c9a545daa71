/* SPDX-License-Identifier: MIT */
/* Bad: its note needs level 1, its handler level 2. */
#include "by_hand.h"

tc_api tc;

static int never(tc_req *r)
{
	return tc.text(r, 200, "never\n");
}

BY_HAND_NOTE(1, 1, "need_mismatch");

const tc_handler tincan_handler_1 = {
	.size = sizeof(tc_handler),
	.need = 2,
	.api = &tc,
	.api_size = sizeof tc,
	.name = "need_mismatch",
	.on_request = never,
};
