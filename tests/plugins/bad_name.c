/* SPDX-License-Identifier: MIT */
/* Bad: its name has letters that a name may not have. */
#include "by_hand.h"

tc_api tc;

static int never(tc_req *r)
{
	return tc.text(r, 200, "never\n");
}

BY_HAND_NOTE(1, 1, "../Bad");

const tc_handler tincan_handler_1 = {
	.size = sizeof(tc_handler),
	.need = 1,
	.api = &tc,
	.api_size = sizeof tc,
	.name = "../Bad",
	.on_request = never,
};
