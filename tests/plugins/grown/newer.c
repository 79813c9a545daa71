/* SPDX-License-Identifier: MIT */
/* Good: built with the header of level 2, of which it uses nothing new. */
#include <tincan/handler.h>

static int answer(tc_req *r)
{
	return tc.text(r, 200, "runs\n");
}

TINCAN_HANDLER("newer", .on_request = answer);
