/* SPDX-License-Identifier: MIT */
/* Bad: crashes while it is being loaded, before anybody has called it. */
#include <stdlib.h>
#include <tincan/handler.h>

__attribute__((constructor)) static void begin(void)
{
	abort();
}

static int answer(tc_req *r)
{
	return tc.text(r, 200, "never\n");
}

TINCAN_HANDLER("constructor", .on_request = answer);
