/* SPDX-License-Identifier: MIT */
/* Bad: forks, and both return. */
#include <tincan/handler.h>
#include <unistd.h>

static int answer(tc_req *r)
{
	return fork() < 0 ? TC_FAIL : tc.text(r, 200, "here\n");
}

TINCAN_HANDLER("forker", .on_request = answer);
