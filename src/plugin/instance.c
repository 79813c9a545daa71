/* SPDX-License-Identifier: MIT */
/* One route's use of a plugin: every call into a handler's code is made here. */
#include "plugin/instance.h"

#include <stdlib.h>

#include "base/memory.h"
#include "plugin/alarm.h"
#include "plugin/bus.h"
#include "plugin/errand.h"
#include "plugin/post.h"
#include "plugin/watch.h"

const char *instance_result_name(int result)
{
	switch (result) {
	case TC_GONE:
		return "TC_GONE";
	case TC_FAIL:
		return "TC_FAIL";
	case TC_INVALID:
		return "TC_INVALID";
	case TC_LIMIT:
		return "TC_LIMIT";
	case TC_NOMEM:
		return "TC_NOMEM";
	case TC_UNKNOWN:
		return "TC_UNKNOWN";
	default:
		return "an unknown result";
	}
}

struct api_call instance_enter(struct instance *instance, enum page_callback callback,
    const struct exchange *exchange)
{
	return api_enter((struct api_call){ .callback = callback,
	    .handler = instance->plugin->note.name,
	    .request = exchange == NULL ? NULL : exchange->id,
	    .instance = instance, .exchange = exchange });
}

static int run_open(struct instance *instance)
{
	const tc_handler *handler = instance->plugin->handler;
	struct api_call before;
	int result;

	if (handler->on_open == NULL) {
		return TC_OK;
	}
	before = instance_enter(instance, PAGE_ON_OPEN, NULL);
	result = handler->on_open((tc_conf *)&instance->conf, &instance->state);
	api_leave(before);
	return result;
}

static void run_close(struct instance *instance)
{
	const tc_handler *handler = instance->plugin->handler;
	struct api_call before;

	if (handler->on_close == NULL) {
		return;
	}
	before = instance_enter(instance, PAGE_ON_CLOSE, NULL);
	handler->on_close(instance->state);
	api_leave(before);
}

/* While some of its code is still on other threads, they are all that it has left. */
static void free_instance(struct instance *instance)
{
	mailbox_close(instance, false);
	alarms_cancel(&instance->alarms);
	watches_end(&instance->watches);
	bus_leave(instance);
	if (instance->busy > 0) {
		instance->refused = true;
		return;
	}
	conf_release(&instance->conf);
	free(instance);
}

void instance_hold(struct instance *instance)
{
	instance->busy++;
	api_hold(instance->owner, 1);
}

void instance_let_go(struct instance *instance)
{
	void *owner = instance->owner;

	instance->busy--;
	if (instance->refused) {
		free_instance(instance);
	} else if (instance->leaving) {
		instance_close(instance);
	}
	api_hold(owner, -1);
}

struct instance *instance_open(struct plugin *plugin,
    const struct instance_setup *setup, struct problems *problems)
{
	struct instance *instance = memory_new(1, sizeof(*instance));
	size_t errors = problems->errors;
	int result;

	instance->plugin = plugin;
	instance->owner = setup->owner;
	list_init(&instance->alarms);
	list_init(&instance->watches);
	list_init(&instance->subscriptions);
	conf_init(&instance->conf, setup->settings, setup->directory, setup->where,
	    problems);
	result = run_open(instance);
	conf_finish(&instance->conf, result == TC_OK);
	if (result != TC_OK) {
		if (problems->errors == errors) {
			problems_add(problems, setup->where, NULL,
			    "handler '%s' refuses the route: on_open returned %s (%d)",
			    plugin->note.name, instance_result_name(result), result);
		}
		free_instance(instance);
		return NULL;
	}
	if (problems->errors != errors) {
		instance->leaving = true;
		instance_close(instance);
		return NULL;
	}
	return instance;
}

void instance_stop(struct instance *instance, int why)
{
	const tc_handler *handler;
	struct api_call before;

	if (instance == NULL || instance->stopped >= why) {
		return;
	}
	instance->stopped = why;
	handler = instance->plugin->handler;
	if (handler->on_stop != NULL) {
		before = instance_enter(instance, PAGE_ON_STOP, NULL);
		handler->on_stop(instance->state, why);
		api_leave(before);
	}
}

void instance_close(struct instance *instance)
{
	if (instance != NULL && !instance_is_busy(instance)) {
		instance_stop(instance, TC_RELOAD);
		mailbox_close(instance, true);
		run_close(instance);
		free_instance(instance);
	}
}

void instance_settle(struct exchange *exchange, const char *callback, int result)
{
	bool left = exchange->state == EXCHANGE_GONE;

	if (result != TC_OK && !(left && result == TC_GONE)) {
		api_log(TC_ERROR, "%s returned %s (%d)", callback,
		    instance_result_name(result), result);
	}
	switch (exchange->state) {
	case EXCHANGE_OPEN:
		if (result == TC_OK) {
			api_log(TC_ERROR, "%s returned TC_OK without a reply", callback);
		}
		exchange_fail(exchange, 500, NULL);
		break;
	case EXCHANGE_STARTED:
		if (result == TC_OK) {
			api_log(TC_ERROR, "%s returned TC_OK without tc.end", callback);
		}
		exchange_fail(exchange, 500, NULL);
		break;
	case EXCHANGE_GONE:
		/* The client has left while the handler blocked. */
		exchange_fail(exchange, 500, NULL);
		break;
	case EXCHANGE_BROKEN:
	case EXCHANGE_ENDED:
		break;
	}
}

static void run_drain(struct exchange *exchange)
{
	struct instance *instance = exchange->instance;
	const tc_handler *handler = instance->plugin->handler;
	struct api_call before;

	if (handler->on_drain != NULL) {
		before = instance_enter(instance, PAGE_ON_DRAIN, exchange);
		handler->on_drain(api_request(exchange));
		api_leave(before);
	}
}

static void run_gone(struct exchange *exchange)
{
	struct instance *instance = exchange->instance;
	const tc_handler *handler = instance->plugin->handler;
	struct api_call before;

	if (handler->on_gone != NULL) {
		before = instance_enter(instance, PAGE_ON_GONE, exchange);
		handler->on_gone(api_request(exchange));
		api_leave(before);
	}
}

static void run_body(struct exchange *exchange, struct slice bytes, bool last)
{
	struct instance *instance = exchange->instance;
	struct api_call before = instance_enter(instance, PAGE_ON_BODY, exchange);
	int result = instance->plugin->handler->on_body(api_request(exchange),
	    bytes.data, bytes.size, last);

	if (result < 0) {
		api_log(TC_ERROR, "on_body returned %s (%d)",
		    instance_result_name(result), result);
		exchange_fail(exchange, 500, NULL);
	}
	api_leave(before);
}

const struct exchange_handler_ops instance_later_ops = { .drain = run_drain,
	.gone = run_gone };
static const struct exchange_handler_ops upload_ops = { .drain = run_drain,
	.gone = run_gone, .body = run_body };

bool instance_answer(struct instance *instance, struct exchange *exchange)
{
	int result = instance->plugin->handler->on_request(api_request(exchange));

	if (result != TC_LATER) {
		instance_settle(exchange, "on_request", result);
	}
	return result == TC_LATER;
}

void instance_request(struct instance *instance, struct exchange *exchange)
{
	bool uploads = instance->plugin->can & PLUGIN_BODY_STREAM;
	struct api_call before;

	exchange->instance = instance;
	if (uploads && !upload_is_on(exchange)) {
		upload_begin_whole(exchange);
	}
	if (instance->plugin->handler->on_request == NULL) {
		exchange_fail(exchange, 404, "there are only WebSockets at this path");
		return;
	}
	if (instance->plugin->threaded) {
		errand_start(instance, exchange);
		return;
	}
	before = instance_enter(instance, PAGE_ON_REQUEST, exchange);
	/* It may well have finished already. */
	if (instance_answer(instance, exchange) &&
	    exchange->state <= EXCHANGE_STARTED) {
		exchange_hold(exchange, uploads ? &upload_ops : &instance_later_ops);
	}
	api_leave(before);
}
