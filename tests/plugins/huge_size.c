/* SPDX-License-Identifier: MIT */
/* Bad: its descriptor says that it is larger than what is exported. */
#include <tincan/handler.h>

tc_api tc;

static int never(tc_req *r)
{
	return tc.text(r, 200, "never\n");
}

TC_NOTE static const tc_note note = { 7, sizeof(tc_note) - offsetof(tc_note, abi), 1, "TINCAN",
	1, 1, 1, 1, "huge_size" };

const tc_handler tincan_handler_1 = { .size = 65536, .need = 1, .api = &tc, .api_size = sizeof tc,
	.name = "huge_size", .on_request = never };
