/* SPDX-License-Identifier: MIT */
/* Bad: crashes when it is retired. */
#include <stdlib.h>
#include <tincan/handler.h>

static void close_it(void *state)
{
	(void)state;
	abort();
}

static int answer(tc_req *r)
{
	return tc.text(r, 200, "here\n");
}

TINCAN_HANDLER("on_close", .on_close = close_it, .on_request = answer);
