/* SPDX-License-Identifier: MIT */
/* Listeners without TLS. */
#define _GNU_SOURCE 1
#include "worker/redirect.h"

#include <string.h>

#include "http/url.h"
#include "worker/dispatch.h"
#include "worker/generation.h"

#define HTTPS_PORT 443

static bool is_base64url(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* RFC 8555 section 8.3: the authority asks for a token, in base64url, over HTTP. What is
 * written in any other way is not from there. */
static bool is_challenge(const struct request *request)
{
	static const char prefix[] = "/.well-known/acme-challenge/";
	struct slice token = request->target;

	if ((request->method_id != HTTP_GET && request->method_id != HTTP_HEAD) ||
	    token.size < sizeof(prefix) ||
	    memcmp(token.data, prefix, sizeof(prefix) - 1) != 0) {
		return false;
	}
	slice_skip(&token, sizeof(prefix) - 1);
	for (size_t i = 0; i < token.size; i++) {
		if (!is_base64url(token.data[i])) {
			return false;
		}
	}
	return true;
}

bool redirect_excepts(const struct connection *connection, const struct request *request)
{
	const struct generation_message *message =
	    &connection->worker->generation->message;

	for (size_t i = 0; i < message->config->listener_count; i++) {
		if (message->listeners[i].id == connection->listener) {
			return message->config->listeners[i].acme_challenge &&
			    is_challenge(request);
		}
	}
	return false;
}

/* By TCP, that is. */
static bool is_https(const struct config_listener *listener)
{
	return listener->tls && listener->stream == NULL && listener->port != 0;
}

/* Where HTTPS is spoken: what the listener says, else the first that does. If none does,
 * another server has the usual port and passes on to this one. */
static uint16_t https_port(const struct connection *connection)
{
	const struct generation_message *message =
	    &connection->worker->generation->message;
	uint16_t port = HTTPS_PORT;

	for (size_t i = message->config->listener_count; i-- > 0;) {
		const struct config_listener *listener = &message->config->listeners[i];

		if (message->listeners[i].id == connection->listener &&
		    listener->redirect_port != 0) {
			return listener->redirect_port;
		}
		if (is_https(listener)) {
			port = listener->port;
		}
	}
	return port;
}

/* Without its port. */
static struct slice host_of(struct slice authority)
{
	const char *colon = memrchr(authority.data, ':', authority.size);
	size_t size = colon == NULL ? authority.size : (size_t)(colon - authority.data);

	/* Not one inside of "[::1]". */
	if (colon != NULL && memchr(colon, ']', authority.size - size) != NULL) {
		size = authority.size;
	}
	return (struct slice){ authority.data, size };
}

/* NULL when out of memory. */
static const char *location(const struct connection *connection,
    struct exchange *exchange, const struct url_target *target)
{
	struct slice host = host_of(exchange->request.authority);
	uint16_t port = https_port(connection);
	char port_text[sizeof(":65535")] = "";

	if (port != HTTPS_PORT) {
		snprintf(port_text, sizeof(port_text), ":%u", (unsigned)port);
	}
	return arena_printf(&exchange->arena, "https://%.*s%s%.*s%s%.*s", (int)host.size,
	    host.data, port_text, target->path.size == 0 ? 1 : (int)target->path.size,
	    target->path.size == 0 ? "/" : target->path.data,
	    target->query.size == 0 ? "" : "?", (int)target->query.size,
	    target->query.size == 0 ? "" : target->query.data);
}

static void answer(struct exchange *exchange, const char *url)
{
	static const char text[] = "this port only redirects to https\n";

	if (url == NULL || exchange_set_header(exchange, "location", url) != 0 ||
	    exchange_reply(exchange, 308, "text/plain; charset=utf-8", text,
		sizeof(text) - 1) != 0) {
		exchange_fail(exchange, 500, "the redirect cannot be sent");
	}
}

void redirect_answer(const struct connection *connection, struct exchange *exchange)
{
	const struct request *request = &exchange->request;
	struct url_target target;

	dispatch_identify(connection->worker, exchange);
	if (request->authority.size == 0) {
		exchange_fail(exchange, 400, "the request names no host");
	} else if (request->method_id == HTTP_CONNECT ||
	    url_split_target(request->target, &target) != 0 ||
	    slice_equal(target.path, SLICE("*"))) {
		exchange_fail(exchange, 400, "only what has a path is elsewhere");
	} else {
		answer(exchange, location(connection, exchange, &target));
	}
}
