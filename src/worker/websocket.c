/* SPDX-License-Identifier: MIT */
/* From a request to a WebSocket. */
#include "worker/websocket.h"

#include <string.h>

#include "base/log.h"
#include "site/site.h"
#include "worker/exchanges.h"
#include "ws/handshake.h"
#include "ws/origin.h"

bool websocket_wanted(const struct exchange *exchange)
{
	const struct site_route *route = exchange->match.value;

	return route != NULL && route->kind == SITE_HANDLER &&
	    (route->plugin->can & PLUGIN_CONNECTS) && ws_is_upgrade(&exchange->request);
}

static void refuse(struct exchange *exchange, int status, const char *reason)
{
	int rc = 0;

	if (status == 426) {
		rc = exchange_set_header(exchange, "sec-websocket-version", "13");
	}
	exchange_fail(exchange, rc == 0 ? status : 500, reason);
}

/* 0, or the status that the request is to be answered with. */
static int judge(const struct worker *worker, const struct exchange *exchange,
    struct ws_offer *offer, const char **reason)
{
	const struct site_route *route = exchange->match.value;
	const struct request *request = &exchange->request;
	int status = ws_check(request, offer, reason);

	if (status != 0) {
		return status;
	}
	if (!ws_origin_allowed(request, request->authority,
	    route->config == NULL ? NULL : route->config->origins)) {
		*reason = "pages of that origin may not open a WebSocket here";
		return 403;
	}
	if (worker->draining) {
		*reason = "the server is about to stop";
		return 503;
	}
	return 0;
}

bool websocket_judge(const struct worker *worker, struct exchange *exchange)
{
	struct ws_offer offer;
	const char *reason;
	int status = judge(worker, exchange, &offer, &reason);

	if (status != 0) {
		refuse(exchange, status, reason);
	}
	return status == 0;
}

struct line *websocket_new(struct worker *worker, struct exchange *exchange,
    const struct line_ops *ops, void *carrier)
{
	const struct site_route *route = exchange->match.value;
	struct ws_offer *offer = arena_alloc(&exchange->arena, sizeof(*offer));
	struct line *line = NULL;
	const char *reason = "out of memory";
	int status = offer == NULL ? 503 : judge(worker, exchange, offer, &reason);

	if (status == 0) {
		line = line_new(worker, &line_websocket, ops, carrier);
		status = 503;
	}
	if (line == NULL) {
		refuse(exchange, status, reason);
		return NULL;
	}
	line->offer = offer;
	line_begin_websocket(line, offer->extensions.window_bits,
	    route->max_message_bytes);
	return line;
}

void websocket_connect(struct line *line, struct exchange *exchange)
{
	line_connect(line, exchange->match.value, exchange);
}

/* The handler may have chosen one that the client did not ask for, which would fail the
 * WebSocket there (RFC 6455 section 4.1), as would two. */
static int settle_subprotocol(struct line *line, struct exchange *exchange)
{
	const struct slice name = SLICE("sec-websocket-protocol");
	struct head *head = &exchange->reply.head;
	struct slice chosen = head_find(head, name);

	if (chosen.data == NULL) {
		return 0;
	}
	if (!head_lists(&exchange->request.head, name, chosen)) {
		log_say(LOG_WARN,
		    "handler '%s' chose the subprotocol '%s', which the client does not "
		    "speak: none is used",
		    line->handler, chosen.data);
		head_remove(head, name);
		return 0;
	}
	line->subprotocol = strndup(chosen.data, chosen.size);
	if (line->subprotocol == NULL) {
		return ERR_NOMEM;
	}
	head_remove(head, name);
	return head_add(head, name, slice_of(line->subprotocol));
}

static int add(struct head *head, const char *name, const char *value)
{
	return value[0] == '\0' ? 0 : head_add(head, slice_of(name), slice_of(value));
}

int websocket_accept(struct line *line, struct exchange *exchange)
{
	const struct ws_offer *offer = line->offer;
	struct head *head = &exchange->reply.head;
	bool http2 = exchange->request.version == HTTP_2;
	int rc = settle_subprotocol(line, exchange);

	/* Ours alone. */
	head_remove(head, SLICE("sec-websocket-accept"));
	head_remove(head, SLICE("sec-websocket-extensions"));
	exchange_leave_chain(exchange);
	exchange->reply.status = http2 ? 200 : 101;
	line->offer = NULL;
	if (!http2) {
		rc = rc != 0 ? rc : add(head, "upgrade", "websocket");
		rc = rc != 0 ? rc : add(head, "connection", "upgrade");
		rc = rc != 0 ? rc : add(head, "sec-websocket-accept", offer->accept);
	}
	return rc != 0 ? rc : add(head, "sec-websocket-extensions",
	    offer->extensions.value);
}
