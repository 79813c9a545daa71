/* SPDX-License-Identifier: MIT */
/* Says that level 1 will do, and calls what came with level 2 without a question. */
#define TC_USE 2
#define TC_NEED 1
#include <tincan/handler.h>

static int answer(tc_req *r)
{
	return tc.text(r, 200, tc.grown(r));
}

TINCAN_HANDLER("careless", .on_request = answer);
