/* SPDX-License-Identifier: MIT */
/* Bad: ends its process while it is being loaded, as a program's library might. */
#include <stdlib.h>
#include <tincan/handler.h>

__attribute__((constructor)) static void begin(void)
{
	exit(0);
}

static int answer(tc_req *r)
{
	return tc.text(r, 200, "never\n");
}

TINCAN_HANDLER("quitter", .on_request = answer);
