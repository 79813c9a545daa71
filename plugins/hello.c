/* SPDX-License-Identifier: MIT */
/*
 * hello: the first handler to read. It greets the {name} of its route, as text or, to
 * clients that would rather have it, as JSON. One setting: "greeting".
 *
 *	curl https://localhost:8443/hello/Ada
 *	curl -H 'Accept: application/json' https://localhost:8443/hello/Ada
 */
#include <string.h>

#include <tincan/handler.h>

#include "accept.h"
#include "out.h"

/* Each route that uses this handler gets its own state; ours is the greeting. */
static int open_route(tc_conf *cf, void **state)
{
	/* Settings' texts live until on_close, so that no copy is needed. */
	*state = (void *)tc.conf_str(cf, "greeting", "Hello");
	return TC_OK;
}

static int reply_json(tc_req *r, const char *greeting, const char *name)
{
	struct out out = { 0 };

	out_text(&out, "{\"greeting\":");
	out_json(&out, greeting);
	out_text(&out, ",\"name\":");
	out_json(&out, name);	/* a client's bytes: they could hold quotes, or worse */
	out_text(&out, "}\n");
	return out_reply(r, 200, "application/json", &out);
}

static int greet(tc_req *r)
{
	const char *greeting = tc.state(r);
	const char *name = tc.param(r, "name");
	const char *method = tc.method(r);

	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
		tc.set_header(r, "Allow", "GET, HEAD");
		return tc.text(r, 405, "405 Method Not Allowed\n");
	}
	if (name == NULL) {
		name = "world";		/* a route without {name} */
	}
	/* The reply depends on Accept: a cache must not give one client's to another. */
	tc.set_header(r, "Vary", "Accept");
	if (accept_type(r, "application/json") > accept_type(r, "text/plain")) {
		return reply_json(r, greeting, name);
	}
	return tc.text(r, 200, tc_printf(r, "%s, %s!\n", greeting, name));
}

TINCAN_HANDLER("hello",
	.version = "1.0",
	.about = "greets {name}, as text or JSON",
	.route = "/hello/{name}",
	.on_open = open_route,
	.on_request = greet);
