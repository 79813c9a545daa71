/* SPDX-License-Identifier: MIT */
/* Good, and only for servers of level 2. */
#define TC_USE 2
#include <tincan/handler.h>

static int answer(tc_req *r)
{
	return tc.text(r, 200, tc.grown(r));
}

TINCAN_HANDLER("demands", .on_request = answer);
