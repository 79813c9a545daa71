/* SPDX-License-Identifier: MIT */
/* Bad: made for a handler interface that there is not yet. */
#include "by_hand.h"

tc_api tc;

static int never(tc_req *r)
{
	return tc.text(r, 200, "never\n");
}

BY_HAND_NOTE(2, 1, "wrong_abi");

const tc_handler tincan_handler_1 = {
	.size = sizeof(tc_handler),
	.need = 1,
	.api = &tc,
	.api_size = sizeof tc,
	.name = "wrong_abi",
	.on_request = never,
};
