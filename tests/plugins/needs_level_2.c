/* SPDX-License-Identifier: MIT */
/* Bad: says that it needs level 2. */
#define TC_USE 2
#include <tincan/handler.h>

static int never(tc_req *r)
{
	return tc.text(r, 200, "never\n");
}

TINCAN_HANDLER("needs_level_2", .on_request = never);
