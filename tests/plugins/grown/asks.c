/* SPDX-License-Identifier: MIT */
/* Good: uses what level 2 brought, where there is such a thing. */
#define TC_USE 2
#define TC_NEED 1
#include <tincan/handler.h>

static int answer(tc_req *r)
{
	if (!TC_HAS(grown)) {
		return tc.text(r, 200, "doing without\n");
	}
	return tc.text(r, 200, tc.grown(r));
}

TINCAN_HANDLER("asks", .on_request = answer);
