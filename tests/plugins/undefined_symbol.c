/* SPDX-License-Identifier: MIT */
/* Bad: calls a function that nobody has. */
#include <tincan/handler.h>

int tincan_has_no_such_function(tc_req *r);

static int call(tc_req *r)
{
	return tincan_has_no_such_function(r);
}

TINCAN_HANDLER("undefined_symbol", .on_request = call);
