/* SPDX-License-Identifier: MIT */
/* Bad: crashes when its settings are read. */
#include <tincan/handler.h>

static int *volatile nowhere;

static int open_it(tc_conf *cf, void **state)
{
	(void)cf;
	(void)state;
	*nowhere = 1;
	return TC_OK;
}

static int answer(tc_req *r)
{
	return tc.text(r, 200, "never\n");
}

TINCAN_HANDLER("on_open", .on_open = open_it, .on_request = answer);
