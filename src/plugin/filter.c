/* SPDX-License-Identifier: MIT */
/* A plugin as a filter: its callbacks about a request that somebody else answers. */
#include "plugin/filter.h"

#include "plugin/api.h"
#include "plugin/instance.h"

static const tc_handler *handler_of(const struct stage *stage)
{
	const struct instance *instance = stage->outer->instance;

	return instance->plugin->handler;
}

static struct api_call enter(struct stage *stage, enum page_callback callback)
{
	stage->seen = true;
	return instance_enter(stage->outer->instance, callback, stage->outer);
}

static int run_reply(struct stage *stage, int status)
{
	const tc_handler *handler = handler_of(stage);
	struct api_call before;
	int result;

	if (handler->on_reply == NULL) {
		return 0;
	}
	before = enter(stage, PAGE_ON_REPLY);
	result = handler->on_reply(api_request(stage->outer), status);
	if (result != TC_OK && result != TC_NEXT) {
		api_log(TC_ERROR, "on_reply returned %s (%d)",
		    instance_result_name(result), result);
	} else if (stage->outer->state == EXCHANGE_STARTED) {
		api_log(TC_ERROR, "on_reply replied without tc.end");
	}
	api_leave(before);
	if (result == TC_NEXT) {
		return STAGE_UNTOUCHED;
	}
	return result == TC_OK ? 0 : ERR_INVALID;
}

static int run_piece(struct stage *stage, struct slice bytes, bool last)
{
	struct api_call before = enter(stage, PAGE_ON_PIECE);
	int result = handler_of(stage)->on_piece(api_request(stage->outer), bytes.data,
	    bytes.size, last);

	if (result != TC_OK) {
		api_log(TC_ERROR, "on_piece returned %s (%d)",
		    instance_result_name(result), result);
	} else if (last && !stage->last_passed) {
		api_log(TC_ERROR, "on_piece returned TC_OK without passing the last");
	}
	api_leave(before);
	return result == TC_OK ? 0 : ERR_INVALID;
}

static void run_gone(struct stage *stage)
{
	const tc_handler *handler = handler_of(stage);
	struct api_call before;

	if (handler->on_gone != NULL) {
		before = enter(stage, PAGE_ON_GONE);
		handler->on_gone(api_request(stage->outer));
		api_leave(before);
	}
}

static void run_done(struct stage *stage)
{
	const tc_handler *handler = handler_of(stage);
	struct api_call before;

	if (handler->on_done != NULL) {
		before = instance_enter(stage->outer->instance, PAGE_ON_FILTER_DONE,
		    stage->outer);
		handler->on_done(api_request(stage->outer));
		api_leave(before);
	}
}

static const struct stage_filter callbacks = { .reply = run_reply, .piece = run_piece,
	.gone = run_gone, .done = run_done };

/* What on_filter returned, if it has not let go by tc.next. */
static void settle(struct stage *stage, int result)
{
	struct exchange *outer = stage->outer;

	if (result == TC_NEXT && stage_next(stage) != 0) {
		api_log(TC_ERROR, "on_filter returned TC_NEXT, but has replied");
		/* Or has begun to, and nobody would end it. */
		exchange_fail(outer, 500, NULL);
	}
	if (result == TC_LATER && outer->state <= EXCHANGE_STARTED) {
		exchange_hold(outer, &instance_later_ops);
	}
	if (result != TC_LATER && result != TC_NEXT) {
		instance_settle(outer, "on_filter", result);
	}
}

void instance_filter(struct instance *instance, struct stage *stage)
{
	const tc_handler *handler = instance->plugin->handler;
	struct api_call before;
	int result;

	stage->filter = &callbacks;
	stage->pieces = handler->on_piece != NULL;
	stage->outer->instance = instance;
	if (handler->on_filter == NULL) {
		/* It cannot have been let go before. */
		(void)!stage_next(stage);
		return;
	}
	before = enter(stage, PAGE_ON_FILTER);
	result = handler->on_filter(api_request(stage->outer));
	if (stage->state == STAGE_ASKED) {
		settle(stage, result);
	} else if (result < 0) {
		instance_settle(stage->outer, "on_filter", result);
	}
	api_leave(before);
}

int filter_next(tc_req *r)
{
	struct stage *stage = api_exchange(r)->stage;

	return stage == NULL ? TC_INVALID : api_result(stage_next(stage));
}

int filter_pass(tc_req *r, const void *data, size_t size, int last)
{
	struct stage *stage = api_exchange(r)->stage;

	return stage == NULL ? TC_INVALID :
	    api_result(stage_pass(stage, data, size, last != 0));
}

/* Content-Length is a number with us. */
static const char *reply_length(struct exchange *exchange)
{
	int64_t length = exchange->reply.content_length;

	if (length < 0 && exchange->borrowed) {
		length = exchange->stage->length;
	}
	return length < 0 ? NULL
	    : arena_printf(&exchange->arena, "%lld", (long long)length);
}

const char *filter_reply_header(const tc_req *r, const char *name)
{
	struct exchange *exchange = api_exchange((tc_req *)r);
	const struct head *head = &exchange->reply.head;

	if (name == NULL) {
		return NULL;
	}
	if (slice_equal_nocase(slice_of(name), SLICE("content-length"))) {
		return reply_length(exchange);
	}
	for (size_t i = 0; i < head->count; i++) {
		if (slice_equal_nocase(head_name(head, i), slice_of(name))) {
			return head_value(head, i).data;
		}
	}
	return NULL;
}

int filter_set_request_header(tc_req *r, const char *name, const char *value)
{
	struct exchange *exchange = api_exchange(r);

	if (name == NULL || exchange->stage == NULL ||
	    exchange->stage->state != STAGE_ASKED) {
		return TC_INVALID;
	}
	return api_result(exchange_set_request_header(exchange, name, value));
}
