/* SPDX-License-Identifier: MIT */
/* Bad: sets a flag of a later level. */
#include "by_hand.h"

tc_api tc;

static int never(tc_req *r)
{
	return tc.text(r, 200, "never\n");
}

BY_HAND_NOTE(1, 1, "flags_set");

const tc_handler tincan_handler_1 = {
	.size = sizeof(tc_handler),
	.need = 1,
	.api = &tc,
	.api_size = sizeof tc,
	.name = "flags_set",
	.flags = 4,
	.on_request = never,
};
