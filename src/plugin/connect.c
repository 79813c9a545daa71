/* SPDX-License-Identifier: MIT */
/*
 * One route's use of a plugin for WebSockets and streams: every call of on_connect,
 * on_data, on_send and on_end is made here, in whatever process the handler runs.
 */
#include <stdio.h>
#include <string.h>

#include "plugin/api.h"
#include "plugin/instance.h"

#define STATUS_NOT_MODIFIED 304
#define STATUS_FAILED 500
#define STATUS_NOT_CONNECTED 501

static const tc_handler *handler_of(const struct duplex *duplex)
{
	const struct instance *instance = duplex->instance;

	return instance->plugin->handler;
}

static struct api_call enter(const struct duplex *duplex, enum page_callback callback)
{
	struct instance *instance = duplex->instance;

	return api_enter((struct api_call){ .callback = callback,
	    .handler = instance->plugin->note.name, .request = duplex->id,
	    .instance = instance, .duplex = duplex });
}

/* That the peer has left is no failure of the handler. */
static void close_failed(struct duplex *duplex, int result)
{
	if (result == TC_GONE) {
		return;
	}
	api_log(TC_ERROR, "on_data returned %s (%d)", instance_result_name(result),
	    result);
	/* It may have closed before it failed. */
	(void)!duplex_close(duplex, DUPLEX_CODE_FAILED, SLICE(""));
}

static void data(struct duplex *duplex, struct slice bytes, unsigned flags)
{
	const tc_handler *handler = handler_of(duplex);
	struct api_call before;
	int result;

	if (handler->on_data == NULL) {
		return;
	}
	before = enter(duplex, PAGE_ON_DATA);
	result = handler->on_data(api_conn(duplex), bytes.data, bytes.size, flags);
	if (result < 0) {
		close_failed(duplex, result);
	}
	api_leave(before);
}

/* To a handler it means that send takes again: nothing new if none was refused. */
static void drain(struct duplex *duplex)
{
	const tc_handler *handler = handler_of(duplex);
	struct api_call before;

	if (!duplex->refused || handler->on_send == NULL) {
		return;
	}
	duplex->refused = false;
	before = enter(duplex, PAGE_ON_SEND);
	handler->on_send(api_conn(duplex));
	api_leave(before);
}

static void end(struct duplex *duplex, uint16_t code)
{
	const tc_handler *handler = handler_of(duplex);
	struct api_call before;

	if (handler->on_end == NULL) {
		return;
	}
	before = enter(duplex, PAGE_ON_END);
	handler->on_end(api_conn(duplex), code);
	api_leave(before);
}

static const struct duplex_handler_ops ops = { .data = data, .drain = drain, .end = end };

/* The status that a result means, without a reply. */
static int status_of(int result)
{
	if (result == TC_OK || (result >= 300 && result <= 599)) {
		return result;
	}
	api_log(TC_ERROR, "on_connect returned %s (%d)", instance_result_name(result),
	    result);
	return STATUS_FAILED;
}

/* With the fields that the handler has set; what the server itself says has none of
 * them. Where this fails it is left to that. */
static void reply(struct exchange *upgrade, int status)
{
	char text[64] = "";

	if (status != STATUS_NOT_MODIFIED) {	/* which has no body */
		snprintf(text, sizeof(text), "%d %s\n", status,
		    http_status_phrase(status));
	}
	(void)!exchange_reply(upgrade, status, "text/plain; charset=utf-8", text,
	    strlen(text));
}

/* A reply of the handler's own is a refusal, whatever else it says. */
static int settle(struct exchange *upgrade, int result)
{
	int status = status_of(result);

	if (upgrade == NULL) {
		return status;
	}
	if (upgrade->state == EXCHANGE_OPEN) {
		if (status != 0 && status == result) {
			reply(upgrade, status);
		}
		return status;
	}
	if (upgrade->state != EXCHANGE_ENDED) {
		api_log(TC_ERROR, "on_connect began a reply without tc.end");
		exchange_fail(upgrade, STATUS_FAILED, NULL);
		return STATUS_FAILED;
	}
	return upgrade->reply.status;
}

static int connect(struct duplex *duplex, struct exchange *upgrade)
{
	const tc_handler *handler = handler_of(duplex);
	struct api_call before = enter(duplex, PAGE_ON_CONNECT);
	int status = STATUS_NOT_CONNECTED;

	if (handler->on_connect != NULL) {
		status = settle(upgrade, handler->on_connect(api_conn(duplex),
		    upgrade == NULL ? NULL : api_request(upgrade)));
	}
	api_leave(before);
	return status;
}

void instance_connect(struct instance *instance, struct duplex *duplex,
    struct exchange *upgrade)
{
	duplex->instance = instance;
	duplex->handler_ops = &ops;
	if (upgrade != NULL) {
		upgrade->instance = instance;
		upgrade->upgrade = true;
	}
	duplex->peer_ops->opened(duplex, connect(duplex, upgrade));
}
