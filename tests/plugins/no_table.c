/* SPDX-License-Identifier: MIT */
/* Bad: it has no function table to fill in. */
#include <tincan/handler.h>

tc_api tc;

static int never(tc_req *r)
{
	return tc.text(r, 200, "never\n");
}

TC_NOTE static const tc_note note = { 7, sizeof(tc_note) - offsetof(tc_note, abi), 1, "TINCAN",
	1, 1, 1, 1, "no_table" };

const tc_handler tincan_handler_1 = { .size = sizeof(tc_handler), .need = 1, .api = NULL,
	.api_size = sizeof tc, .name = "no_table", .on_request = never };
