/* SPDX-License-Identifier: MIT */
/* Bad: its note needs level 1, its handler level 2. */
#include <tincan/handler.h>

tc_api tc;

static int never(tc_req *r)
{
	return tc.text(r, 200, "never\n");
}

TC_NOTE static const tc_note note = { 7, sizeof(tc_note) - offsetof(tc_note, abi), 1, "TINCAN",
	1, 1, 1, 1, "need_mismatch" };

const tc_handler tincan_handler_1 = { .size = sizeof(tc_handler), .need = 2, .api = &tc,
	.api_size = sizeof tc, .name = "need_mismatch", .on_request = never };
