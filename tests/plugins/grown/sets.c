/* SPDX-License-Identifier: MIT */
/* Says that level 1 will do, but has a callback of level 2. */
#define TC_USE 2
#define TC_NEED 1
#include <tincan/handler.h>

static int answer(tc_req *r)
{
	return tc.text(r, 200, "runs\n");
}

static int grown(tc_req *r)
{
	return tc.text(r, 200, tc.grown(r));
}

TINCAN_HANDLER("sets", .on_request = answer, .on_grown = grown);
