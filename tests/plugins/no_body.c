/* SPDX-License-Identifier: MIT */
/* Bad: wants bodies in pieces, but does not take them. */
#include <tincan/handler.h>

static int never(tc_req *r)
{
	return tc.text(r, 200, "never\n");
}

TINCAN_HANDLER("no_body", .flags = TC_BODY_STREAM, .on_request = never);
