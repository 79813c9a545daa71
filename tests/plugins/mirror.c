/* SPDX-License-Identifier: MIT */
/* Good: asks for everything there is to know of a request, and sends it back. */
#include <string.h>
#include <tincan/handler.h>

static const char *or_null(const char *text)
{
	return text == NULL ? "(null)" : text;
}

static int write_text(tc_req *r, const char *name, const char *text)
{
	char line[512];
	int size = snprintf(line, sizeof line, "%s=%s\n", name, or_null(text));

	return tc.write(r, line, (size_t)size);
}

static void write_fields(tc_req *r)
{
	const char *name;
	const char *value;

	for (size_t i = 0; tc.header_at(r, i, &name, &value); i++) {
		write_text(r, name, value);
	}
	for (size_t i = 0; tc.trailer_at(r, i, &name, &value); i++) {
		write_text(r, name, value);
	}
}

static int mirror(tc_req *r)
{
	static const char *const facts[] = { "request.id", "route", "handler",
		"http.version", "client.address", "no.such.fact" };
	const void *body;
	size_t size;

	if (tc.start(r, 200, "text/plain") != TC_OK) {
		return TC_FAIL;
	}
	write_text(r, "method", tc.method(r));
	write_text(r, "target", tc.target(r));
	write_text(r, "path", tc.path(r));
	write_text(r, "tail", tc.tail(r));
	write_text(r, "query", tc.query(r));
	write_text(r, "param.name", tc.param(r, "name"));
	write_text(r, "param.again", tc.param(r, "name"));
	write_text(r, "param.other", tc.param(r, "other"));
	write_text(r, "param.none", tc.param(r, "none"));
	write_text(r, "HOST", tc.header(r, "HOST"));
	write_text(r, "missing", tc.header(r, "missing"));
	for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
		write_text(r, facts[i], tc.info(r, facts[i]));
	}
	write_fields(r);
	body = tc.body(r, &size);
	write_text(r, "body", body);
	return size == strlen(body) ? tc.end(r) : TC_FAIL;
}

TINCAN_HANDLER("mirror", .on_request = mirror);
