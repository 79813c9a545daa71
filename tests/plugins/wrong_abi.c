/* SPDX-License-Identifier: MIT */
/* Bad: made for a handler interface that there is not yet. */
#include <tincan/handler.h>

tc_api tc;

static int never(tc_req *r)
{
	return tc.text(r, 200, "never\n");
}

TC_NOTE static const tc_note note = { 7, sizeof(tc_note) - offsetof(tc_note, abi), 1, "TINCAN",
	2, 1, 1, 1, "wrong_abi" };

const tc_handler tincan_handler_1 = { .size = sizeof(tc_handler), .need = 1, .api = &tc,
	.api_size = sizeof tc, .name = "wrong_abi", .on_request = never };
