/* SPDX-License-Identifier: MIT */
/* Bad: does not come back from on_open. */
#include <tincan/handler.h>
#include <unistd.h>

static int open_it(tc_conf *cf, void **state)
{
	(void)cf;
	(void)state;
	while (pause() != 0) {
	}
	return TC_OK;
}

static int answer(tc_req *r)
{
	return tc.text(r, 200, "never\n");
}

TINCAN_HANDLER("hang", .on_open = open_it, .on_request = answer);
