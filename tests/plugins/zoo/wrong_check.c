/* SPDX-License-Identifier: MIT */
/* Bad: does not answer as its own check says. */
#include <tincan/handler.h>

static int answer(tc_req *r)
{
	return tc.text(r, 500, "broken\n");
}

TINCAN_HANDLER("wrong_check", .on_request = answer, .check = "GET /wrong_check 200");
