/* SPDX-License-Identifier: MIT */
/* Bad: wants to block, and its body in pieces. */
#include <tincan/handler.h>

static int never(tc_req *r)
{
	return tc.text(r, 200, "never\n");
}

static int never_body(tc_req *r, const void *data, size_t size, int last)
{
	(void)r;
	(void)data;
	(void)size;
	(void)last;
	return TC_OK;
}

TINCAN_HANDLER("both_flags", .flags = TC_BLOCKING | TC_BODY_STREAM,
    .on_request = never, .on_body = never_body);
