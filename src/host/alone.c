/* SPDX-License-Identifier: MIT */
/* A filter with nobody behind it. */
#include "host/alone.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "exchange/stage.h"

#define TOLD_HEAD_BYTES (256 * 1024)	/* more than any request's header */

struct alone {
	struct stage stage;
	struct exchange inner;
	struct deferred turn;
};

static void on_turn(struct deferred *turn)
{
	stage_run(&LIST_OWNER(turn, struct alone, turn)->stage);
}

static void wake(struct stage *stage)
{
	struct alone *alone = stage->owner;

	loop_defer(stage->arg, &alone->turn);
}

static void rest(struct stage *stage)
{
	struct alone *alone = stage->owner;

	loop_soon(stage->arg, &alone->turn);
}

/* The request as it came through the filter: line, fields, an empty line, content. */
static int tell(const struct exchange *inner, struct slice body, struct buffer *out)
{
	const struct request *request = &inner->request;
	int rc = buffer_printf(out, "%.*s %.*s\n", (int)request->method.size,
	    request->method.data, (int)request->target.size, request->target.data);

	for (uint32_t i = 0; rc == 0 && i < request->head.count; i++) {
		struct slice name = head_name(&request->head, i);
		struct slice value = head_value(&request->head, i);

		rc = buffer_printf(out, "%.*s: %.*s\n", (int)name.size, name.data,
		    (int)value.size, value.data);
	}
	rc = rc != 0 ? rc : buffer_append(out, "\n", 1);
	return rc != 0 ? rc : buffer_append(out, body.data, body.size);
}

static void free_text(void *arg)
{
	buffer_release(arg);
	free(arg);
}

static void answer(struct exchange *inner, struct slice body)
{
	struct buffer *text = calloc(1, sizeof(*text));

	if (text == NULL) {
		exchange_fail(inner, 503, "out of memory");
		return;
	}
	buffer_init(text, body.size + TOLD_HEAD_BYTES);
	if (tell(inner, body, text) != 0) {
		free_text(text);
		exchange_fail(inner, 503, "out of memory");
		return;
	}
	(void)!exchange_reply_ref(inner, 200, "text/plain; charset=utf-8", text->data,
	    text->size, free_text, text);
}

static void next(struct stage *stage)
{
	struct alone *alone = stage->owner;

	stage_enter(stage, &alone->inner);
	answer(&alone->inner, buffer_slice(&stage->outer->body));
}

static const struct stage_ops ops = { .wake = wake, .rest = rest, .next = next };

struct alone *alone_begin(struct loop *loop, struct instance *instance,
    struct exchange *outer)
{
	struct alone *alone = calloc(1, sizeof(*alone));

	if (alone == NULL) {
		exchange_fail(outer, 503, "out of memory");
		return NULL;
	}
	deferred_init(&alone->turn, on_turn);
	stage_init(&alone->stage, outer, &ops, alone);
	alone->stage.arg = loop;
	instance_filter(instance, &alone->stage);
	return alone;
}

void alone_end(struct alone *alone)
{
	if (alone != NULL) {
		deferred_cancel(&alone->turn);
		stage_release(&alone->stage);
	}
}

void alone_free(struct alone *alone)
{
	if (alone == NULL) {
		return;
	}
	if (alone->stage.inner != NULL) {
		exchange_release(&alone->inner);
	}
	free(alone);
}
