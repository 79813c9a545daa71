/* SPDX-License-Identifier: MIT */
/*
 * The function table of a plugin that runs in this process, worker or probe. It turns
 * what a plugin passes into calls on the exchange, which checks it. The two statics are
 * here because tc_log and tc.ext have no argument that could carry them.
 */
#include "plugin/api.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "http/trace.h"
#include "plugin/alarm.h"
#include "plugin/bus.h"
#include "plugin/conn.h"
#include "plugin/errand.h"
#include "plugin/filter.h"
#include "plugin/instance.h"
#include "plugin/post.h"
#include "plugin/run.h"
#include "plugin/state.h"
#include "plugin/watch.h"

static const struct plugin_services *services;
static _Thread_local struct api_call current;

void api_serve(const struct plugin_services *given)
{
	services = given;
}

const struct plugin_services *api_services(void)
{
	return services;
}

static void run(struct api_call call)
{
	bool threaded = call.threaded || current.threaded;

	current = call;
	if (!threaded && services->running != NULL) {
		services->running(services->arg, &current);
	}
}

struct api_call api_enter(struct api_call call)
{
	struct api_call before = current;

	run(call);
	return before;
}

void api_leave(struct api_call before)
{
	run(before);
}

struct instance *api_instance(void)
{
	return current.threaded ? NULL : current.instance;
}

const struct api_call *api_thread(void)
{
	return current.threaded ? &current : NULL;
}

void api_hold(void *owner, int change)
{
	services->hold(services->arg, owner, change);
}

void api_log(int level, const char *format, ...)
{
	char text[512];
	va_list ap;
	int size;

	va_start(ap, format);
	size = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (size < 0) {
		return;
	}
	services->log(level, current.handler, current.request, text,
	    (size_t)size < sizeof(text) ? (size_t)size : sizeof(text) - 1);
}

int api_result(int rc)
{
	switch (rc) {
	case 0:
		return TC_OK;
	case ERR_AGAIN:
		return TC_AGAIN;
	case ERR_INVALID:
		return TC_INVALID;
	case ERR_LIMIT:
		return TC_LIMIT;
	case ERR_NOMEM:
		return TC_NOMEM;
	case ERR_CLOSED:
		return TC_GONE;
	default:
		return TC_FAIL;
	}
}

/* Nothing is changed through the pointer; only const is cast away for the one helper. */
static const struct exchange *reader(const tc_req *r)
{
	return (const struct exchange *)r;
}

static const char *get_method(const tc_req *r)
{
	return reader(r)->request.method.data;
}

static const char *get_target(const tc_req *r)
{
	return reader(r)->request.target.data;
}

static const char *get_path(const tc_req *r)
{
	return reader(r)->request.path.data;
}

static const char *get_tail(const tc_req *r)
{
	/* To the path's end, so its NUL is ours. */
	const struct slice *tail = &reader(r)->match.tail;

	return tail->size == 0 ? "" : tail->data;
}

static const char *get_query(const tc_req *r)
{
	return reader(r)->request.query.data;
}

static const char *get_param(const tc_req *r, const char *name)
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

static const char *get_header(const tc_req *r, const char *name)
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

static int get_header_at(const tc_req *r, size_t i, const char **name, const char **value)
{
	return get_field(&reader(r)->request.head, i, name, value);
}

static int get_trailer_at(const tc_req *r, size_t i, const char **name,
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

static const char *get_info(const tc_req *r, const char *key)
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

static const void *get_body(const tc_req *r, size_t *size)
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

static void *get_state(const tc_req *r)
{
	const struct instance *instance = reader(r)->instance;

	return instance->state;
}

static void *allocate(tc_req *r, size_t size)
{
	return arena_alloc(&api_exchange(r)->arena, size);
}

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

static int reply_text(tc_req *r, int status, const char *text)
{
	struct exchange *exchange = api_exchange(r);
	bool typed = exchange_is_typed(exchange);

	if (text == NULL) {
		return reply_without_data(exchange);
	}
	return api_result(exchange_reply(exchange, allowed(exchange, status),
	    typed ? NULL : "text/plain; charset=utf-8", text, strlen(text)));
}

static int reply_data(tc_req *r, int status, const char *type, const void *data,
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

static int reply_reference(tc_req *r, int status, const char *type, const void *data,
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

static int reply_file(tc_req *r, int status, const char *type, int fd, int64_t offset,
    int64_t size)
{
	struct exchange *exchange = api_exchange(r);

	return api_result(exchange_reply_file(exchange, allowed(exchange, status), type,
	    fd, offset, size));
}

static int set_header(tc_req *r, const char *name, const char *value)
{
	return name == NULL || !filter_may_reply(api_exchange(r)) ? TC_INVALID :
	    api_result(exchange_set_header(api_exchange(r), name, value));
}

static int add_header(tc_req *r, const char *name, const char *value)
{
	return name == NULL || !filter_may_reply(api_exchange(r)) ? TC_INVALID :
	    api_result(exchange_add_header(api_exchange(r), name, value));
}

static int add_trailer(tc_req *r, const char *name, const char *value)
{
	return name == NULL || !filter_may_end(api_exchange(r)) ? TC_INVALID :
	    api_result(exchange_add_trailer(api_exchange(r), name, value));
}

static int start(tc_req *r, int status, const char *type)
{
	struct exchange *exchange = api_exchange(r);

	return api_result(exchange_start(exchange, allowed(exchange, status), type));
}

static int write_data(tc_req *r, const void *data, size_t size)
{
	return !filter_may_reply(api_exchange(r)) ? TC_INVALID :
	    api_result(exchange_write(api_exchange(r), data, size));
}

static int write_file(tc_req *r, int fd, int64_t offset, int64_t size)
{
	/* It takes fd in any case. */
	return api_result(exchange_write_file(api_exchange(r), fd,
	    filter_may_reply(api_exchange(r)) ? offset : -1, size));
}

static int end(tc_req *r)
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

static int abort_reply(tc_req *r)
{
	return !filter_may_end(api_exchange(r)) ? TC_INVALID :
	    api_result(exchange_abort(api_exchange(r)));
}

static int64_t get_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Settings asked for after on_open are gone; conf.c then gives the defaults. */
struct conf *api_conf(tc_conf *cf)
{
	struct conf *conf = (struct conf *)cf;

	if (conf->problems == NULL) {
		api_log(TC_ERROR, "used its tc_conf outside on_open");
	}
	return conf;
}

static const char *key_of(const char *key)
{
	return key == NULL ? "" : key;
}

static const char *get_string(tc_conf *cf, const char *key, const char *def)
{
	return conf_string(api_conf(cf), key_of(key), def);
}

static int64_t get_integer(tc_conf *cf, const char *key, int64_t def, int64_t min,
    int64_t max)
{
	return conf_integer(api_conf(cf), key_of(key), def, min, max);
}

static int get_boolean(tc_conf *cf, const char *key, int def)
{
	return conf_boolean(api_conf(cf), key_of(key), def);
}

static int get_length(tc_conf *cf, const char *key)
{
	return conf_length(api_conf(cf), key_of(key));
}

static const char *get_child(tc_conf *cf, const char *key, int i)
{
	return conf_child(api_conf(cf), key_of(key), i);
}

static const char *get_json(tc_conf *cf, const char *key, size_t *size)
{
	size_t ignored;

	return conf_text(api_conf(cf), key_of(key), size == NULL ? &ignored : size);
}

static const char *get_file(tc_conf *cf, const char *key, const char *def)
{
	return conf_file(api_conf(cf), key_of(key), def);
}

static int refuse(tc_conf *cf, const char *key, const char *message)
{
	conf_refuse(api_conf(cf), key_of(key), message == NULL ? "refused" : message);
	return TC_INVALID;
}

static void log_line(int level, const char *text, size_t size)
{
	if (text == NULL || size == 0) {
		return;
	}
	if (level < TC_DEBUG || level > TC_ERROR) {
		level = level < TC_DEBUG ? TC_DEBUG : TC_ERROR;
	}
	services->log(level, current.handler, current.request, text, size);
}

static const void *get_extension(const char *id)
{
	const void *found = id == NULL ? NULL : bus_ext(id);

	if (found == NULL && id != NULL && services->ext != NULL) {
		found = services->ext(id);
	}
	return found;
}

static void *get_data(const tc_req *r)
{
	return reader(r)->data;
}

static void set_data(tc_req *r, void *data)
{
	api_exchange(r)->data = data;
}

static int pause_body(tc_req *r, int on)
{
	return api_result(upload_pause(api_exchange(r), on != 0));
}

static int64_t get_deadline(const tc_req *r)
{
	const struct exchange *exchange = reader(r);
	int64_t left = exchange->deadline_ms - get_now();

	return exchange->state != EXCHANGE_OPEN || left < 0 ? 0 : left;
}

static tc_timer *after(int64_t ms, void (*fn)(void *arg), void *arg)
{
	struct instance *instance = api_instance();

	if (fn == NULL || instance == NULL || services->loop == NULL) {
		return NULL;
	}
	return (tc_timer *)alarm_new(instance, services->loop, ms, fn, arg);
}

static void cancel(tc_timer *t)
{
	alarm_cancel((struct alarm *)t);
}

static tc_watch *watch(int fd, uint32_t events, void (*fn)(void *arg, uint32_t events),
    void *arg)
{
	struct instance *instance = api_instance();

	if (fn == NULL || instance == NULL || services->loop == NULL) {
		return NULL;
	}
	return watch_new(instance, services->loop, fd, events, fn, arg);
}

static tc_loop *get_loop(void)
{
	if (current.instance == NULL || services->loop == NULL) {
		return NULL;
	}
	return mailbox_of(current.instance, services->loop);
}

static int run_job(void (*work)(void *arg), void (*done)(void *arg), void *arg)
{
	struct instance *instance = api_instance();

	if (work == NULL || instance == NULL || services->loop == NULL ||
	    services->hold == NULL) {
		return TC_INVALID;
	}
	return api_result(run_start(instance, services->loop, work, done, arg));
}

static const tc_api table = {
	.size = sizeof(tc_api),
	.level = TC_LEVEL,
	.method = get_method,
	.target = get_target,
	.path = get_path,
	.tail = get_tail,
	.query = get_query,
	.param = get_param,
	.header = get_header,
	.header_at = get_header_at,
	.trailer_at = get_trailer_at,
	.info = get_info,
	.body = get_body,
	.state = get_state,
	.alloc = allocate,
	.text = reply_text,
	.reply = reply_data,
	.reply_ref = reply_reference,
	.reply_file = reply_file,
	.set_header = set_header,
	.add_header = add_header,
	.add_trailer = add_trailer,
	.start = start,
	.write = write_data,
	.write_file = write_file,
	.end = end,
	.now = get_now,
	.conf_str = get_string,
	.conf_int = get_integer,
	.conf_bool = get_boolean,
	.conf_len = get_length,
	.conf_name = get_child,
	.conf_json = get_json,
	.conf_path = get_file,
	.conf_error = refuse,
	.log = log_line,
	.ext = get_extension,
	.data = get_data,
	.set_data = set_data,
	.deadline = get_deadline,
	.abort = abort_reply,
	.after = after,
	.cancel = cancel,
	.conn_kind = conn_kind,
	.send = conn_send,
	.close = conn_close,
	.conn_pause = conn_pause,
	.conn_info = conn_info,
	.conn_state = conn_state,
	.conn_data = conn_data,
	.conn_set_data = conn_set_data,
	.pause = pause_body,
	.next = filter_next,
	.pass = filter_pass,
	.reply_header = filter_reply_header,
	.set_request_header = filter_set_request_header,
	.loop = get_loop,
	.post = mailbox_post,
	.run = run_job,
	.watch = watch,
	.unwatch = watch_end,
	.shared = state_shared,
	.metric = state_metric,
	.add = state_add,
	.set = state_set,
};

/* Straight to standard error: the log may be a buffer that the abort would lose. */
static void missing(void)
{
	fprintf(stderr,
	    "tincan: handler %s called a function that this tincan (level %d) does "
	    "not have; TC_HAS tells beforehand\n",
	    current.handler == NULL ? "(unknown)" : current.handler, TC_LEVEL);
	abort();
}

const tc_api *api_table(void)
{
	return &table;
}

void api_fill(tc_api *api, size_t size, bool threaded)
{
	tc_api ours = table;
	size_t known = size < sizeof(table) ? size : sizeof(table);
	void (*stub)(void) = missing;

	if (threaded) {
		errand_fill(&ours);
	}
	memcpy(api, &ours, known);
	api->size = (uint32_t)known;
	for (size_t at = known; size - at >= sizeof(stub); at += sizeof(stub)) {
		memcpy((char *)api + at, &stub, sizeof(stub));
	}
}
