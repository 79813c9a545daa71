/* SPDX-License-Identifier: MIT */
/*
 * The part of the function table that answers a request: what a plugin passes becomes
 * calls on the exchange, which checks it.
 */
#include <string.h>

#include "plugin/api.h"
#include "plugin/filter.h"
#include "plugin/instance.h"
#include "plugin/req.h"

/* A status that no reply may have, where the request is not the plugin's to answer. */
static int allowed(const struct exchange *exchange, int status)
{
	return filter_may_reply(exchange) ? status : 0;
}

/* What a handler passes on from an allocation that failed. */
static int reply_without_data(struct exchange *exchange)
{
	if (!filter_may_reply(exchange) ||
	    (exchange->state != EXCHANGE_OPEN && !exchange_abandoned(exchange))) {
		return TC_INVALID;
	}
	api_log(TC_ERROR, "replied with data NULL: out of memory?");
	exchange_fail(exchange, 500, NULL);
	return TC_OK;
}

int req_reply_text(tc_req *r, int status, const char *text)
{
	struct exchange *exchange = api_exchange(r);
	bool typed = exchange_is_typed(exchange);

	if (text == NULL) {
		return reply_without_data(exchange);
	}
	return api_result(exchange_reply(exchange, allowed(exchange, status),
	    typed ? NULL : "text/plain; charset=utf-8", text, strlen(text)));
}

int req_reply(tc_req *r, int status, const char *type, const void *data,
    size_t size)
{
	struct exchange *exchange = api_exchange(r);

	if (data == NULL && size > 0) {
		return reply_without_data(exchange);
	}
	return api_result(exchange_reply(exchange, allowed(exchange, status), type, data,
	    size));
}

/* A release function on its way: code of the plugin, whenever it is called. */
struct release {
	struct exchange *exchange;
	void (*fn)(void *arg);
	void *arg;
};

static void run_release(void *arg)
{
	const struct release *release = arg;
	struct exchange *exchange = release->exchange;
	struct api_call before = instance_enter(exchange->instance, PAGE_ON_RELEASE,
	    exchange);

	release->fn(release->arg);
	api_leave(before);
}

int req_reply_ref(tc_req *r, int status, const char *type, const void *data,
    size_t size, void (*fn)(void *), void *arg)
{
	struct exchange *exchange = api_exchange(r);
	struct release *release = NULL;

	if (fn != NULL) {
		release = arena_alloc(&exchange->arena, sizeof(*release));
		if (release == NULL) {
			fn(arg);
			return TC_NOMEM;
		}
		*release = (struct release){ exchange, fn, arg };
	}
	if (data == NULL && size > 0) {
		if (release != NULL) {
			run_release(release);
		}
		return reply_without_data(exchange);
	}
	return api_result(exchange_reply_ref(exchange, allowed(exchange, status), type,
	    data, size, release == NULL ? NULL : run_release, release));
}

int req_reply_file(tc_req *r, int status, const char *type, int fd, int64_t offset,
    int64_t size)
{
	struct exchange *exchange = api_exchange(r);

	return api_result(exchange_reply_file(exchange, allowed(exchange, status), type,
	    fd, offset, size));
}

int req_set_header(tc_req *r, const char *name, const char *value)
{
	return name == NULL || !filter_may_reply(api_exchange(r)) ? TC_INVALID :
	    api_result(exchange_set_header(api_exchange(r), name, value));
}

int req_add_header(tc_req *r, const char *name, const char *value)
{
	return name == NULL || !filter_may_reply(api_exchange(r)) ? TC_INVALID :
	    api_result(exchange_add_header(api_exchange(r), name, value));
}

int req_add_trailer(tc_req *r, const char *name, const char *value)
{
	return name == NULL || !filter_may_end(api_exchange(r)) ? TC_INVALID :
	    api_result(exchange_add_trailer(api_exchange(r), name, value));
}

int req_start(tc_req *r, int status, const char *type)
{
	struct exchange *exchange = api_exchange(r);

	return api_result(exchange_start(exchange, allowed(exchange, status), type));
}

int req_write(tc_req *r, const void *data, size_t size)
{
	return !filter_may_reply(api_exchange(r)) ? TC_INVALID :
	    api_result(exchange_write(api_exchange(r), data, size));
}

int req_write_file(tc_req *r, int fd, int64_t offset, int64_t size)
{
	/* It takes fd in any case. */
	return api_result(exchange_write_file(api_exchange(r), fd,
	    filter_may_reply(api_exchange(r)) ? offset : -1, size));
}

int req_end(tc_req *r)
{
	struct exchange *exchange = api_exchange(r);
	bool started = exchange->state == EXCHANGE_STARTED;
	int rc = !filter_may_reply(exchange) ? ERR_INVALID : exchange_end(exchange);

	if (started && exchange->state == EXCHANGE_BROKEN) {
		api_log(TC_ERROR,
		    "its reply is shorter than its Content-Length: %lld of %lld bytes",
		    (long long)exchange->written,
		    (long long)exchange->reply.content_length);
	}
	return api_result(rc);
}

int req_abort(tc_req *r)
{
	return !filter_may_end(api_exchange(r)) ? TC_INVALID :
	    api_result(exchange_abort(api_exchange(r)));
}
