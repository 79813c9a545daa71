/* SPDX-License-Identifier: MIT */
/*
 * A handler for bench/run: the text that the other servers give, with nothing to decide.
 */
#include <tincan/handler.h>

static int answer(tc_req *r)
{
	return tc.text(r, 200, "Hello, you!\n");
}

TINCAN_HANDLER("small", .on_request = answer);
