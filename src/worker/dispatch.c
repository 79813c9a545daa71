/* SPDX-License-Identifier: MIT */
/* From a request to who answers it. */
#include "worker/dispatch.h"

#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/text.h"
#include "exchange/facts.h"
#include "exchange/stage.h"
#include "plugin/instance.h"
#include "worker/chain.h"
#include "worker/exchanges.h"
#include "worker/generation.h"
#include "worker/vhost.h"
#include "worker/websocket.h"

/* What a server-wide OPTIONS lists (RFC 9110 section 9.3.7). */
#define EVERY_METHOD \
	(HTTP_GET | HTTP_HEAD | HTTP_POST | HTTP_PUT | HTTP_PATCH | HTTP_DELETE | \
	    HTTP_OPTIONS)

#define ALLOW_BYTES 256
/* What may wait of a body that streams: HTTP/2's window, or a piece of HTTP/1's input. */
#define UPLOAD_QUEUE (512 * 1024)

void dispatch_new_id(struct worker *worker, char id[EXCHANGE_ID_BYTES])
{
	uint64_t number;

	do {
		worker->ids += HASH_BLOCK;
		number = hash_fold(worker->ids, worker->ids ^ worker->ids_key);
	} while (number == 0);
	text_put_hex(id, number);
	id[EXCHANGE_ID_BYTES - 1] = '\0';
}

void dispatch_identify(struct worker *worker, struct exchange *exchange)
{
	if (exchange->id[0] == '\0') {
		dispatch_new_id(worker, exchange->id);
		exchange->started_us = worker->loop->now_us;
	}
}

/* A list that does not fit is cut at a whole name. */
static void append_method(char allow[ALLOW_BYTES], const char *name)
{
	size_t used = strlen(allow);
	size_t size = strlen(name);

	if (used + size + 3 <= ALLOW_BYTES) {
		snprintf(allow + used, ALLOW_BYTES - used, "%s%s", used == 0 ? "" : ", ",
		    name);
	}
}

static void set_allow(struct exchange *exchange, uint32_t methods,
    const char *const *others)
{
	char allow[ALLOW_BYTES] = "";

	for (uint32_t bit = HTTP_GET; bit <= HTTP_PATCH; bit <<= 1) {
		if (methods & bit) {
			append_method(allow, http_method_name((enum http_method)bit));
		}
	}
	for (; others != NULL && *others != NULL; others++) {
		append_method(allow, *others);
	}
	if (exchange_set_header(exchange, "allow", allow) != 0) {
		exchange_fail(exchange, 500, "out of memory");
	}
}

static void answer_options(struct exchange *exchange, uint32_t methods,
    const char *const *others)
{
	set_allow(exchange, methods | HTTP_OPTIONS, others);
	if (exchange->state == EXCHANGE_OPEN &&
	    exchange_reply(exchange, 204, NULL, NULL, 0) != 0) {
		exchange_fail(exchange, 500, "out of memory");
	}
}

static void answer_redirect(struct exchange *exchange, const struct config_route *route)
{
	static const char text[] = "see the Location field\n";

	if (exchange_set_header(exchange, "location", route->redirect) != 0 ||
	    exchange_reply(exchange, route->status, "text/plain; charset=utf-8", text,
		sizeof(text) - 1) != 0) {
		exchange_fail(exchange, 500, "the redirect cannot be sent");
	}
}

static void answer_unavailable(struct exchange *exchange)
{
	if (exchange_set_header(exchange, "retry-after", "30") != 0) {
		exchange_fail(exchange, 500, "out of memory");
		return;
	}
	exchange_fail(exchange, 503, "the handler of this path is not available");
}

/* RFC 9110 section 15.5.22: Upgrade says what it wants; HTTP/2 has other words for it. */
static void answer_no_requests(struct exchange *exchange)
{
	exchange_fail(exchange, 426, "this path is for WebSockets");
	if (exchange->request.version != HTTP_2 &&
	    (head_add(&exchange->reply.head, SLICE("upgrade"), SLICE("websocket")) != 0 ||
		head_add(&exchange->reply.head, SLICE("connection"),
		    SLICE("upgrade")) != 0)) {
		exchange_fail(exchange, 500, "out of memory");
	}
}

static void answer_no_route(struct exchange *exchange)
{
	const struct request *request = &exchange->request;
	const struct router_match *match = &exchange->match;

	if (request->method_id == HTTP_OPTIONS && match->methods != 0) {
		answer_options(exchange, match->methods, match->other_methods);
	} else if (request->method_id == HTTP_OTHER ||
	    (request->method_id == HTTP_CONNECT && request->protocol.size == 0)) {
		exchange_fail(exchange, 501, "this server does not know that method");
	} else if (match->methods != 0 || match->other_methods != NULL) {
		set_allow(exchange, match->methods | HTTP_OPTIONS, match->other_methods);
		exchange_fail(exchange, 405, "this path does not take that method");
	} else {
		exchange_fail(exchange, 404, "there is nothing at this path");
	}
}

/* A WebSocket over HTTP/2 asks by CONNECT for what is GET over HTTP/1.1. */
static void match_route(const struct router *router, struct exchange *exchange)
{
	const struct request *request = &exchange->request;
	bool websocket = request->protocol.size > 0;

	router_match(router, request->path, websocket ? HTTP_GET : request->method_id,
	    websocket ? SLICE("GET") : request->method, &exchange->match);
}

static bool is_for_handler(const struct exchange *exchange)
{
	const struct site_route *route = exchange->match.value;

	return route != NULL && route->kind == SITE_HANDLER &&
	    (route->plugin->can & PLUGIN_REQUESTS) &&
	    exchange->request.protocol.size == 0 && !websocket_wanted(exchange);
}

/* One of a handler that takes it in pieces waits nowhere but in a stream's window. */
static void expect_body(struct exchange *exchange)
{
	const struct site_route *route = exchange->match.value;
	const struct request *request = &exchange->request;

	if (!is_for_handler(exchange)) {
		return;
	}
	if ((route->plugin->can & PLUGIN_BODY_STREAM) && request->has_body &&
	    request->content_length != 0) {
		upload_begin(exchange, route->max_body_bytes);
		exchange->body.max = UPLOAD_QUEUE;
	} else {
		exchange->body.max = route->max_body_bytes + 1;
	}
}

static bool asks_for_server(const struct request *request)
{
	return request->method_id == HTTP_OPTIONS &&
	    slice_equal(request->path, SLICE("*"));
}

/* Before any filter: none is to take a stranger for somebody. It is too late to ask for a
 * certificate: HTTP/2 forbids that (RFC 9113 section 9.2.3). */
static bool is_forbidden(const struct exchange *exchange)
{
	const struct site_route *route = exchange->match.value;
	const char *verdict;

	if (route == NULL || route->config == NULL || !route->config->needs_client) {
		return false;
	}
	verdict = exchange->ops->info(exchange, EXCHANGE_FACT_VERIFY);
	return verdict == NULL || strcmp(verdict, EXCHANGE_VERIFIED) != 0;
}

void dispatch_begin(struct worker *worker, struct exchange *exchange)
{
	const struct site *site = &worker->generation->site;
	struct site_chain *chain;
	struct site_route *route;
	size_t vhost;

	dispatch_identify(worker, exchange);
	exchange->origin = generation_ref(worker->generation);
	if (vhost_choose(worker->generation, exchange, &vhost) != 0) {
		exchange_fail(exchange, 421, "this connection is for another host");
		return;
	}
	if (!asks_for_server(&exchange->request)) {
		match_route(site->routers[vhost], exchange);
	}
	route = exchange->match.value;
	if (is_forbidden(exchange)) {
		exchange_fail(exchange, 403,
		    "this path is for clients with a good certificate");
		return;
	}
	chain = route == NULL ? &site->chains[vhost] : &route->chain;
	exchange_use_chain(exchange, chain);
	expect_body(exchange);
	if (chain->count > 0) {
		chain_begin(worker, exchange, chain);
	} else {
		dispatch_answer(worker, exchange);
	}
}

void dispatch_answer(struct worker *worker, struct exchange *exchange)
{
	const struct request *request = &exchange->request;
	const struct site_route *route = exchange->match.value;

	(void)worker;
	if (asks_for_server(request)) {
		answer_options(exchange, EVERY_METHOD, NULL);
	} else if (route == NULL) {
		answer_no_route(exchange);
	} else if (route->kind == SITE_REDIRECT) {
		answer_redirect(exchange, route->config);
	} else if (route->kind == SITE_UNAVAILABLE) {
		answer_unavailable(exchange);
	} else if (websocket_wanted(exchange)) {
		exchange->upgrade = true;
	} else if (request->protocol.size > 0) {
		exchange_fail(exchange, 400, "there is no WebSocket at this path");
	} else if ((route->plugin->can & PLUGIN_REQUESTS) == 0) {
		answer_no_requests(exchange);
	} else {
		exchange->instance = route->mount->instance;
	}
}

void dispatch_call(struct worker *worker, struct exchange *exchange)
{
	if (exchange->stage != NULL) {
		chain_complete(exchange);
	} else {
		dispatch_handler(worker, exchange);
	}
}

void dispatch_filter(struct worker *worker, const struct site_route *filter,
    struct stage *stage)
{
	struct exchange *outer = stage->outer;
	const struct site_mount *mount = filter->mount;

	if (filter->kind != SITE_HANDLER) {
		answer_unavailable(outer);
		return;
	}
	outer->deadline_ms = worker->loop->now_ms + filter->timeout_ms;
	if (mount->pool != NULL) {
		stage->unasked = (filter->plugin->can & PLUGIN_ON_FILTER) == 0;
		stage->pieces = filter->plugin->can & PLUGIN_ON_PIECE;
		pool_call(mount->pool, mount->pool_instance, outer, filter->timeout_ms);
		return;
	}
	instance_filter(mount->instance, stage);
	if (stage->state == STAGE_ASKED) {
		exchange_watch(outer);
	}
}

void dispatch_handler(struct worker *worker, struct exchange *exchange)
{
	const struct site_route *route = exchange->match.value;
	const struct site_mount *mount = route->mount;

	exchange->deadline_ms = worker->loop->now_ms + route->timeout_ms;
	if (mount->pool != NULL) {
		pool_call(mount->pool, mount->pool_instance, exchange,
		    route->timeout_ms);
		return;
	}
	instance_request(mount->instance, exchange);
	exchange_watch(exchange);
	upload_go_on(exchange);
}

int dispatch_body(struct worker *worker, struct exchange *exchange, struct slice bytes,
    bool last, const char **reason)
{
	if (!exchange->deciding) {
		chain_last(exchange)->deadline_ms = worker->loop->now_ms +
		    dispatch_timeout_ms(exchange);
	}
	return upload_feed(exchange, bytes, last, reason);
}

uint32_t dispatch_timeout_ms(const struct exchange *exchange)
{
	const struct site_route *route = exchange->match.value;

	return route->timeout_ms;
}

void dispatch_connect(const struct site_route *route, struct duplex *duplex,
    struct exchange *upgrade)
{
	const struct site_mount *mount = route->mount;

	if (route->kind != SITE_HANDLER) {
		duplex->peer_ops->opened(duplex, 503);
	} else if (mount->pool != NULL) {
		pool_connect(mount->pool, mount->pool_instance, duplex, upgrade,
		    route->timeout_ms);
	} else {
		instance_connect(mount->instance, duplex, upgrade);
	}
}

uint32_t dispatch_count_as(const struct exchange *exchange)
{
	const struct site_route *route = chain_answerer(exchange);

	return route == NULL ? SCOREBOARD_SERVER : route->count_as;
}

const char *dispatch_handler_name(const struct exchange *exchange)
{
	const struct site_route *route = chain_answerer(exchange);

	return route == NULL || route->plugin == NULL ? NULL : route->plugin->note.name;
}
