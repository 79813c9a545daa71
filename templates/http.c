/* SPDX-License-Identifier: MIT */
/*
 * @NAME@: greets the {name} of its route.
 *
 *	curl https://localhost:8443/@NAME@/Ada
 *
 * One setting, "greeting". A place to start from: what else a handler can ask and do is
 * told in <tincan/handler.h>.
 */
#include <stdlib.h>
#include <string.h>

#include <tincan/handler.h>

/* What a route needs. Each route that names this handler has its own, in each process. */
struct greeter {
	const char *greeting;
};

static int on_open(tc_conf *cf, void **state)
{
	struct greeter *greeter = calloc(1, sizeof(*greeter));

	if (greeter == NULL) {
		return TC_NOMEM;
	}
	/* Of the route's "settings". A key that nobody asks for here is refused, as is a
	 * value of another type; a text lives until on_close. */
	greeter->greeting = tc.conf_str(cf, "greeting", "Hello");
	*state = greeter;
	return TC_OK;
}

static void on_close(void *state)
{
	free(state);
}

static int on_request(tc_req *r)
{
	const struct greeter *greeter = tc.state(r);
	const char *name = tc.param(r, "name");
	const char *method = tc.method(r);

	/* A reply to a HEAD is that to a GET: the server keeps the content back. */
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
		tc.set_header(r, "Allow", "GET, HEAD");
		return tc.text(r, 405, "405 Method Not Allowed\n");
	}
	if (name == NULL) {
		name = "world";		/* server.json has put us at a path without {name} */
	}
	tc_log(TC_DEBUG, "greeting '%s'", name);
	/* The name is what a client sent: harmless in text, but not so in HTML or JSON. */
	return tc.text(r, 200, tc_printf(r, "%s, %s!\n", greeter->greeting, name));
}

TINCAN_HANDLER("@NAME@",
	.version = "0.1",
	.about = "greets {name}",
	.route = "/@NAME@/{name}",
	.on_open = on_open,
	.on_close = on_close,
	.on_request = on_request,
	/* What must hold before a new build of this goes live. */
	.check = "GET /@NAME@/Ada 200");
