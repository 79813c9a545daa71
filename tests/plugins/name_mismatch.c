/* SPDX-License-Identifier: MIT */
/* Bad: its note says one name and its handler another. */
#include "by_hand.h"

tc_api tc;

static int never(tc_req *r)
{
	return tc.text(r, 200, "never\n");
}

BY_HAND_NOTE(1, 1, "name_mismatch");

const tc_handler tincan_handler_1 = {
	.size = sizeof(tc_handler),
	.need = 1,
	.api = &tc,
	.api_size = sizeof tc,
	.name = "somebody_else",
	.on_request = never,
};
