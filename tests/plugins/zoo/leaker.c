/* SPDX-License-Identifier: MIT */
/* Bad: opens files until there are no more, and closes none. */
#include <fcntl.h>
#include <tincan/handler.h>

static int answer(tc_req *r)
{
	while (open("/dev/null", O_RDONLY) >= 0) {
	}
	return tc.text(r, 200, "here\n");
}

TINCAN_HANDLER("leaker", .on_request = answer);
