/* SPDX-License-Identifier: MIT */
/*
 * The function table of a plugin that runs in this process, worker or probe, and which of
 * its callbacks runs. The two statics are here because tc_log and tc.ext have no argument
 * that could carry them.
 */
#include "plugin/api.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/alarm.h"
#include "plugin/bus.h"
#include "plugin/conn.h"
#include "plugin/errand.h"
#include "plugin/filter.h"
#include "plugin/instance.h"
#include "plugin/post.h"
#include "plugin/req.h"
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

static int64_t get_now(void)
{
	return clock_us() / 1000;
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
	.method = req_method,
	.target = req_target,
	.path = req_path,
	.tail = req_tail,
	.query = req_query,
	.param = req_param,
	.header = req_header,
	.header_at = req_header_at,
	.trailer_at = req_trailer_at,
	.info = req_info,
	.body = req_body,
	.state = req_state,
	.alloc = req_alloc,
	.text = req_reply_text,
	.reply = req_reply,
	.reply_ref = req_reply_ref,
	.reply_file = req_reply_file,
	.set_header = req_set_header,
	.add_header = req_add_header,
	.add_trailer = req_add_trailer,
	.start = req_start,
	.write = req_write,
	.write_file = req_write_file,
	.end = req_end,
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
	.data = req_data,
	.set_data = req_set_data,
	.deadline = req_deadline,
	.abort = req_abort,
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
	.pause = req_pause,
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
