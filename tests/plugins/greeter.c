/* SPDX-License-Identifier: MIT */
/* Good: a handler with a setting and state, as most are. */
#include <tincan/handler.h>

static int greeter_open(tc_conf *cf, void **state)
{
	*state = (void *)tc.conf_str(cf, "greeting", "Hello");
	return TC_OK;
}

static int greet(tc_req *r)
{
	const char *name = tc.param(r, "name");

	return tc.text(r, 200, tc_printf(r, "%s, %s\n", (const char *)tc.state(r),
	    name == NULL ? "world" : name));
}

TINCAN_HANDLER("greeter", .version = "1.0", .about = "greets", .route = "/greet/{name}",
    .on_open = greeter_open, .on_request = greet);
