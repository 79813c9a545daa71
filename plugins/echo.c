/* SPDX-License-Identifier: MIT */
/*
 * echo: the request back as JSON, just as a handler sees it: for looking at what a client
 * or a proxy really sends, and a tour of everything that can be asked of a request.
 *
 *	curl --data 'x=1' https://localhost:8443/echo?y=2
 *
 * Fields are an array of [name, value], not an object: their order and repetitions are
 * part of what was sent. A body that is not UTF-8 comes back in base64.
 *
 * A WebSocket gets every message back, and so does a raw stream its bytes: a tour of
 * back-pressure, as it takes in no more than the other side takes out.
 *
 *	openssl s_client -quiet -connect localhost:7443
 */
#include <string.h>

#include <tincan/handler.h>

#include "out.h"

/* "key": "what tc.info says", null where it does not know. */
static void put_info(struct out *out, const tc_req *r, const char *label, const char *key)
{
	out_printf(out, "\"%s\":", label);
	out_json(out, tc.info(r, key));
}

static void put_fields(struct out *out, const tc_req *r,
    int (*at)(const tc_req *, size_t, const char **, const char **))
{
	const char *name;
	const char *value;

	out_text(out, "[");
	for (size_t i = 0; at(r, i, &name, &value); i++) {
		out_text(out, i > 0 ? ",\n    [" : "\n    [");
		out_json(out, name);
		out_text(out, ", ");
		out_json(out, value);
		out_text(out, "]");
	}
	out_text(out, "]");
}

static void put_base64(struct out *out, const unsigned char *s, size_t size)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	out_text(out, "\"");
	for (size_t i = 0; i < size; i += 3) {
		size_t left = size - i;
		uint32_t bits = (uint32_t)s[i] << 16 |
		    (left > 1 ? (uint32_t)s[i + 1] << 8 : 0) | (left > 2 ? s[i + 2] : 0);
		char quad[4] = {
			digits[bits >> 18], digits[bits >> 12 & 63],
			left > 1 ? digits[bits >> 6 & 63] : '=',
			left > 2 ? digits[bits & 63] : '='
		};

		out_bytes(out, quad, sizeof quad);
	}
	out_text(out, "\"");
}

static void put_body(struct out *out, const tc_req *r)
{
	size_t size;
	const void *body = tc.body(r, &size);
	bool text = utf8_valid(body, size);

	out_printf(out, "{\"size\":%zu, \"encoding\":\"%s\", \"data\":", size,
	    text ? "utf-8" : "base64");
	if (text) {
		out_json_bytes(out, body, size);
	} else {
		put_base64(out, body, size);
	}
	out_text(out, "}");
}

static void put_tls(struct out *out, const tc_req *r)
{
	static const char *const facts[][2] = {
		{ "version", "tls.version" }, { "cipher", "tls.cipher" },
		{ "group", "tls.group" }, { "alpn", "tls.alpn" }, { "sni", "tls.sni" }
	};
	const char *resumed = tc.info(r, "tls.resumed");

	out_text(out, "{");
	for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
		put_info(out, r, facts[i][0], facts[i][1]);
		out_text(out, ", ");
	}
	out_text(out, "\"resumed\":");
	out_text(out, resumed == NULL ? "null" : *resumed == '1' ? "true" : "false");
	out_text(out, "}");
}

static void put_request(struct out *out, const tc_req *r)
{
	out_text(out, "\"method\":");
	out_json(out, tc.method(r));
	out_text(out, ",\n  \"target\":");
	out_json(out, tc.target(r));
	out_text(out, ",\n  \"path\":");
	out_json(out, tc.path(r));
	out_text(out, ",\n  \"query\":");
	out_json(out, tc.query(r));
	out_text(out, ",\n  ");
	put_info(out, r, "version", "http.version");
	out_text(out, ",\n  \"headers\":");
	put_fields(out, r, tc.header_at);
	out_text(out, ",\n  \"body\":");
	put_body(out, r);
	out_text(out, ",\n  \"trailers\":");
	put_fields(out, r, tc.trailer_at);
}

static int echo(tc_req *r)
{
	struct out out = { 0 };

	out_text(&out, "{\n  ");
	put_request(&out, r);
	out_text(&out, ",\n  \"client\":{");
	put_info(&out, r, "address", "client.address");
	out_text(&out, ", ");
	put_info(&out, r, "port", "client.port");
	out_text(&out, "},\n  \"server\":{");
	put_info(&out, r, "port", "server.port");
	out_text(&out, "},\n  \"tls\":");
	put_tls(&out, r);
	out_text(&out, ",\n  ");
	put_info(&out, r, "route", "route");
	out_text(&out, ",\n  ");
	put_info(&out, r, "handler", "handler");
	out_text(&out, ",\n  ");
	put_info(&out, r, "request_id", "request.id");
	out_text(&out, "\n}\n");
	/* It holds whatever a client sent, so no browser may guess that it is a page, and
	 * perhaps its cookies, so no cache may keep it. */
	tc.set_header(r, "X-Content-Type-Options", "nosniff");
	tc.set_header(r, "Cache-Control", "no-store");
	return out_reply(r, 200, "application/json", &out);
}

/* What could not be sent back at once. */
struct piece {
	uint32_t flags;
	size_t size;
	char data[];
};

static int on_connect(tc_conn *c, tc_req *upgrade)
{
	(void)c;
	(void)upgrade;
	return TC_OK;
}

/* Until the other side has taken what waits for it, it is not listened to. */
static int hold(tc_conn *c, const void *data, size_t size, uint32_t flags)
{
	struct piece *piece = malloc(sizeof *piece + size);

	if (piece == NULL) {
		return TC_NOMEM;
	}
	piece->flags = flags;
	piece->size = size;
	memcpy(piece->data, data, size);
	tc.conn_set_data(c, piece);
	return tc.conn_pause(c, 1);
}

static int on_data(tc_conn *c, const void *data, size_t size, uint32_t flags)
{
	int result;

	if (flags & TC_END) {
		return tc.close(c, 0, NULL);
	}
	result = tc.send(c, data, size, flags);
	return result == TC_AGAIN ? hold(c, data, size, flags) : result;
}

static void on_send(tc_conn *c)
{
	struct piece *piece = tc.conn_data(c);

	if (piece != NULL &&
	    tc.send(c, piece->data, piece->size, piece->flags) != TC_AGAIN) {
		free(piece);
		tc.conn_set_data(c, NULL);
		tc.conn_pause(c, 0);
	}
}

static void on_end(tc_conn *c, int code)
{
	(void)code;
	free(tc.conn_data(c));
}

TINCAN_HANDLER("echo",
	.version = "1.1",
	.about = "the request back as JSON, a WebSocket's messages as they are",
	.on_request = echo,
	.on_connect = on_connect,
	.on_data = on_data,
	.on_send = on_send,
	.on_end = on_end);
