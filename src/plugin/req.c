/* SPDX-License-Identifier: MIT */
/*
 * The part of the function table that reads a request: what a plugin asks for, as the
 * exchange has it.
 */
#include "plugin/req.h"

#include <string.h>

#include "http/trace.h"
#include "os/loop.h"
#include "plugin/api.h"
#include "plugin/instance.h"

/* Nothing is changed through the pointer; only const is cast away for the one helper. */
static const struct exchange *reader(const tc_req *r)
{
	return (const struct exchange *)r;
}

const char *req_method(const tc_req *r)
{
	return reader(r)->request.method.data;
}

const char *req_target(const tc_req *r)
{
	return reader(r)->request.target.data;
}

const char *req_path(const tc_req *r)
{
	return reader(r)->request.path.data;
}

const char *req_tail(const tc_req *r)
{
	/* To the path's end, so its NUL is ours. */
	const struct slice *tail = &reader(r)->match.tail;

	return tail->size == 0 ? "" : tail->data;
}

const char *req_query(const tc_req *r)
{
	return reader(r)->request.query.data;
}

const char *req_param(const tc_req *r, const char *name)
{
	/* A part of the path gets its NUL only when it is asked for, which most are not;
	 * to the plugin the request is still one that does not change. */
	struct exchange *exchange = api_exchange((tc_req *)r);
	struct router_match *match = &exchange->match;

	for (size_t i = 0; name != NULL && i < match->params; i++) {
		struct slice *value = &match->values[i];

		if (!slice_equal(match->names[i], slice_of(name))) {
			continue;
		}
		if (value->data[value->size] != '\0') {
			value->data = arena_copy(&exchange->arena, value->data,
			    value->size);
		}
		return value->data;
	}
	return NULL;
}

const char *req_header(const tc_req *r, const char *name)
{
	const struct head *head = &reader(r)->request.head;

	for (size_t i = 0; name != NULL && i < head->count; i++) {
		if (!slice_equal_nocase(head_name(head, i), slice_of(name))) {
			continue;
		}
		/* Without its traceparent it must not be read (W3C Trace Context). */
		if (slice_equal(head_name(head, i), SLICE("tracestate")) &&
		    !trace_is_given(head)) {
			return NULL;
		}
		return head_value(head, i).data;
	}
	return NULL;
}

static int get_field(const struct head *head, size_t i, const char **name,
    const char **value)
{
	if (i >= head->count) {
		return 0;
	}
	*name = head_name(head, i).data;
	*value = head_value(head, i).data;
	return 1;
}

int req_header_at(const tc_req *r, size_t i, const char **name, const char **value)
{
	return get_field(&reader(r)->request.head, i, name, value);
}

int req_trailer_at(const tc_req *r, size_t i, const char **name,
    const char **value)
{
	return get_field(exchange_trailer(reader(r)), i, name, value);
}

static const char *version_name(enum http_version version)
{
	switch (version) {
	case HTTP_1_0:
		return "1.0";
	case HTTP_2:
		return "2";
	default:
		return "1.1";
	}
}

/* Made when it is asked for, as get_param does. */
static const char *get_trace(const tc_req *r, const char *key)
{
	struct exchange *exchange = api_exchange((tc_req *)r);
	struct trace trace;

	trace_of(&exchange->request.head, exchange->id, &trace);
	if (strcmp(key, "id") == 0) {
		return arena_copy(&exchange->arena, trace.id, TRACE_ID_BYTES - 1);
	}
	if (strcmp(key, "parent") == 0) {
		return arena_copy(&exchange->arena, trace.parent, TRACE_PARENT_BYTES - 1);
	}
	return NULL;
}

const char *req_info(const tc_req *r, const char *key)
{
	const struct exchange *exchange = reader(r);
	const struct instance *instance = exchange->instance;

	if (key == NULL) {
		return NULL;
	}
	if (strncmp(key, "trace.", 6) == 0) {
		return get_trace(r, key + 6);
	}
	if (strcmp(key, "request.id") == 0) {
		return exchange->id;
	}
	if (strcmp(key, "route") == 0) {
		return exchange->match.pattern;
	}
	if (strcmp(key, "route.host") == 0) {
		return exchange->vhost;
	}
	if (strcmp(key, "handler") == 0) {
		return instance->plugin->note.name;
	}
	if (strcmp(key, "http.version") == 0) {
		return version_name(exchange->request.version);
	}
	return exchange->ops->info(exchange, key);
}

const void *req_body(const tc_req *r, size_t *size)
{
	const struct exchange *exchange = reader(r);
	/* A filter comes before it; what waits of one that streams is for on_body. */
	struct slice body = exchange->stage != NULL || upload_is_on(exchange) ? SLICE("")
	    : buffer_slice(exchange_body(exchange));

	if (size != NULL) {
		*size = body.size;
	}
	return body.size == 0 ? "" : body.data;
}

void *req_state(const tc_req *r)
{
	const struct instance *instance = reader(r)->instance;

	return instance->state;
}

void *req_alloc(tc_req *r, size_t size)
{
	return arena_alloc(&api_exchange(r)->arena, size);
}

void *req_data(const tc_req *r)
{
	return reader(r)->data;
}

void req_set_data(tc_req *r, void *data)
{
	api_exchange(r)->data = data;
}

int req_pause(tc_req *r, int on)
{
	return api_result(upload_pause(api_exchange(r), on != 0));
}

int64_t req_deadline(const tc_req *r)
{
	const struct exchange *exchange = reader(r);
	int64_t left = exchange->deadline_ms - clock_us() / 1000;

	return exchange->state != EXCHANGE_OPEN || left < 0 ? 0 : left;
}
