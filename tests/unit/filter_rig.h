/* SPDX-License-Identifier: MIT */
/*
 * A filter that ships, run between a request and a reply of the test's making. Its table
 * of functions is filled with the server's own where they need no process around them
 * (settings, fields), with notes of what it did where they do.
 *
 * Include the filter's sources first, then this: they define tc and tincan_handler_1.
 */
#ifndef TINCAN_TESTS_FILTER_RIG_H
#define TINCAN_TESTS_FILTER_RIG_H

#include <ctype.h>

#include "configs.h"
#include "plugin/conf.h"
#include "rig.h"

static struct {
	struct config *config;
	struct problems problems;
	struct conf conf;
	void *state;		/* what on_open left */
	struct rig_exchange exchange;
	char address[64];	/* client.address */
	void *data;		/* the filter's slot in the request */
	void *memory[64];	/* what it allocated in the request */
	size_t memory_count;
	int64_t now_ms;
	char *passed;		/* of the body, NUL-terminated */
	size_t passed_size;
	int passes;
	bool last;		/* was passed */
	int status;		/* replied by the filter itself, or 0 */
	int logged;		/* lines */
	void *shared;		/* memory; owned */
	size_t shared_bytes;
	double counted;		/* by all its metrics */
} filter;

static inline const char *filter_method(const tc_req *r)
{
	(void)r;
	return filter.exchange.exchange.request.method.data;
}

static inline const char *filter_find(const struct head *head, const char *name)
{
	for (size_t i = 0; i < head->count; i++) {
		if (slice_equal_nocase(head_name(head, i), slice_of(name))) {
			return head_value(head, i).data;
		}
	}
	return NULL;
}

static inline const char *filter_header(const tc_req *r, const char *name)
{
	(void)r;
	return filter_find(&filter.exchange.exchange.request.head, name);
}

static inline int filter_header_at(const tc_req *r, size_t i, const char **name,
    const char **value)
{
	const struct head *head = &filter.exchange.exchange.request.head;

	(void)r;
	if (i >= head->count) {
		return 0;
	}
	*name = head_name(head, i).data;
	*value = head_value(head, i).data;
	return 1;
}

static inline const char *filter_info(const tc_req *r, const char *key)
{
	(void)r;
	return strcmp(key, "client.address") == 0 ? filter.address : NULL;
}

static inline void *filter_state(const tc_req *r)
{
	(void)r;
	return filter.state;
}

static inline void *filter_data(const tc_req *r)
{
	(void)r;
	return filter.data;
}

static inline void filter_set_data(tc_req *r, void *data)
{
	(void)r;
	filter.data = data;
}

static inline void *filter_alloc(tc_req *r, size_t size)
{
	(void)r;
	ck_assert_uint_lt(filter.memory_count, 64);
	return filter.memory[filter.memory_count++] = malloc(size);
}

static inline int filter_result(int rc)
{
	return rc == 0 ? TC_OK : rc == ERR_INVALID ? TC_INVALID : TC_LIMIT;
}

static inline int filter_set_header(tc_req *r, const char *name, const char *value)
{
	(void)r;
	return filter_result(exchange_set_header(&filter.exchange.exchange, name, value));
}

static inline int filter_add_header(tc_req *r, const char *name, const char *value)
{
	(void)r;
	return filter_result(exchange_add_header(&filter.exchange.exchange, name, value));
}

static inline const char *filter_reply_header(const tc_req *r, const char *name)
{
	static char length[24];
	struct exchange *exchange = &filter.exchange.exchange;

	(void)r;
	if (strcasecmp(name, "content-length") == 0) {
		snprintf(length, sizeof(length), "%lld",
		    (long long)exchange->reply.content_length);
		return exchange->reply.content_length < 0 ? NULL : length;
	}
	return filter_find(&exchange->reply.head, name);
}

/* Names come in any case; the request's head has them in lower case. */
static inline int filter_set_request_header(tc_req *r, const char *name,
    const char *value)
{
	struct head *head = &filter.exchange.exchange.request.head;
	char lower[128] = "";

	(void)r;
	for (size_t i = 0; name[i] != '\0' && i < sizeof(lower) - 1; i++) {
		lower[i] = (char)tolower((unsigned char)name[i]);
	}
	head_remove(head, slice_of(lower));
	return value == NULL ? TC_OK :
	    filter_result(head_add(head, slice_of(lower), slice_of(value)));
}

static inline int filter_pass(tc_req *r, const void *data, size_t size, int last)
{
	(void)r;
	ck_assert_msg(!filter.last, "passed more behind the last");
	filter.passed = realloc(filter.passed, filter.passed_size + size + 1);
	ck_assert_ptr_nonnull(filter.passed);
	if (size > 0) {
		memcpy(filter.passed + filter.passed_size, data, size);
	}
	filter.passed_size += size;
	filter.passed[filter.passed_size] = '\0';
	filter.passes++;
	filter.last = last != 0;
	return TC_OK;
}

static inline int filter_text(tc_req *r, int status, const char *text)
{
	(void)r;
	(void)text;
	filter.status = status;
	return TC_OK;
}

static inline int64_t filter_now(void)
{
	return filter.now_ms;
}

static inline void filter_log(int level, const char *text, size_t size)
{
	(void)level;
	(void)text;
	(void)size;
	filter.logged++;
}

/* What a test puts in the place of tc.shared, or NULL. */
static void *(*filter_shared_memory)(tc_conf *cf, const char *name, size_t size);

static inline void *filter_shared(tc_conf *cf, const char *name, size_t size)
{
	if (filter_shared_memory != NULL) {
		return filter_shared_memory(cf, name, size);
	}
	filter.shared_bytes = size;
	filter.shared = aligned_alloc(64, (size + 63) / 64 * 64);
	ck_assert_ptr_nonnull(filter.shared);
	return memset(filter.shared, 0, size);
}

static inline tc_metric *filter_metric(tc_conf *cf, int kind, const char *name,
    const char *help)
{
	(void)cf;
	(void)name;
	(void)help;
	ck_assert_int_eq(kind, TC_COUNTER);
	return (tc_metric *)&filter.counted;
}

static inline void filter_add(tc_metric *m, double value)
{
	ck_assert_ptr_eq((void *)m, &filter.counted);
	filter.counted += value;
}

static inline const char *filter_conf_str(tc_conf *cf, const char *key, const char *def)
{
	return conf_string((struct conf *)cf, key, def);
}

static inline int64_t filter_conf_int(tc_conf *cf, const char *key, int64_t def,
    int64_t min, int64_t max)
{
	return conf_integer((struct conf *)cf, key, def, min, max);
}

static inline int filter_conf_bool(tc_conf *cf, const char *key, int def)
{
	return conf_boolean((struct conf *)cf, key, def);
}

static inline int filter_conf_len(tc_conf *cf, const char *key)
{
	return conf_length((struct conf *)cf, key);
}

static inline const char *filter_conf_name(tc_conf *cf, const char *key, int i)
{
	return conf_child((struct conf *)cf, key, i);
}

static inline const char *filter_conf_json(tc_conf *cf, const char *key, size_t *size)
{
	return conf_text((struct conf *)cf, key, size);
}

static inline int filter_conf_error(tc_conf *cf, const char *key, const char *message)
{
	conf_refuse((struct conf *)cf, key, message);
	return TC_INVALID;
}

static const tc_api filter_api = {
	.size = sizeof(tc_api), .level = TC_LEVEL, .method = filter_method,
	.header = filter_header, .header_at = filter_header_at, .info = filter_info,
	.state = filter_state, .alloc = filter_alloc, .text = filter_text,
	.set_header = filter_set_header, .add_header = filter_add_header,
	.now = filter_now, .conf_str = filter_conf_str, .conf_int = filter_conf_int,
	.conf_bool = filter_conf_bool, .conf_len = filter_conf_len,
	.conf_name = filter_conf_name, .conf_json = filter_conf_json,
	.conf_error = filter_conf_error, .log = filter_log, .data = filter_data,
	.set_data = filter_set_data, .pass = filter_pass,
	.reply_header = filter_reply_header,
	.set_request_header = filter_set_request_header, .shared = filter_shared,
	.metric = filter_metric, .add = filter_add
};

/* The instance of a filter with these settings, JSON; what on_open said. */
static inline int filter_try_open(const char *settings)
{
	char text[4096];
	int result;

	tc = filter_api;
	memset(&filter, 0, sizeof(filter));
	snprintf(text, sizeof(text), "{ \"routes\": [ { \"path\": \"/a\", \"handler\": "
	    "\"a\",\n\"settings\": %s } ] }", settings);
	filter.config = configs_parse("f", text);
	problems_init(&filter.problems);
	conf_init(&filter.conf, &filter.config->routes[0].settings, ".", "f:1: routes[0]",
	    &filter.problems);
	result = tincan_handler_1.on_open((tc_conf *)&filter.conf, &filter.state);
	conf_finish(&filter.conf, result == TC_OK);
	return result;
}

static inline void filter_open(const char *settings)
{
	char *printed;

	ck_assert_int_eq(filter_try_open(settings), TC_OK);
	printed = configs_print(&filter.problems);
	ck_assert_str_eq(printed, "");
	free(printed);
}

static inline void filter_close(void)
{
	if (filter.state != NULL) {
		tincan_handler_1.on_close(filter.state);
	}
	free(filter.shared);
	conf_release(&filter.conf);
	problems_release(&filter.problems);
	config_free(filter.config);
}

/* Settings that are refused, with exactly these problems; "f:2: routes[0].settings" in
 * front of each is left out, and they end in a newline. */
static inline void filter_refuse(const char *settings, const char *expected)
{
	static const char place[] = "f:2: routes[0].settings";
	const size_t size = sizeof(place) - 1;
	bool opened = filter_try_open(settings) == TC_OK;
	char *printed = configs_print(&filter.problems);
	char told[2048] = "";

	for (const char *line = printed; *line != '\0'; line = strchr(line, '\n') + 1) {
		size_t used = strlen(told);

		line += strncmp(line, place, size) == 0 ? size : 0;
		snprintf(told + used, sizeof(told) - used, "%.*s\n",
		    (int)strcspn(line, "\n"), line);
	}
	ck_assert_str_eq(told, expected);
	ck_assert_msg(!opened || filter.problems.errors > 0, "nothing was refused");
	free(printed);
	filter_close();
}

/* A request; fields are "name: value", names in lower case, each ended by "\n". */
static inline void filter_add_fields(struct head *head, const char *fields)
{
	while (*fields != '\0') {
		size_t name = strcspn(fields, ":");
		size_t value = strcspn(fields + name + 2, "\n");

		ck_assert_int_eq(head_add(head, (struct slice){ fields, name },
		    (struct slice){ fields + name + 2, value }), 0);
		fields += name + 2 + value + 1;
	}
}

static inline void filter_begin(enum http_method method, const char *fields)
{
	snprintf(filter.address, sizeof(filter.address), "192.0.2.1");
	rig_begin(&filter.exchange, method, "/a");
	filter_add_fields(&filter.exchange.exchange.request.head, fields);
}

/* The header of its reply, "content-length" among the fields; what on_reply said. */
static inline int filter_reply(int status, const char *fields)
{
	struct reply *reply = &filter.exchange.exchange.reply;
	struct slice length;

	filter_add_fields(&reply->head, fields);
	length = head_find(&reply->head, SLICE("content-length"));
	if (length.data != NULL) {
		reply->content_length = strtoll(length.data, NULL, 10);
		head_remove(&reply->head, SLICE("content-length"));
	}
	return tincan_handler_1.on_reply((tc_req *)&filter, status);
}

/* All fields of the reply in their order, as filter_reply takes them. */
static inline const char *filter_fields(void)
{
	static char text[4096];
	const struct reply *reply = &filter.exchange.exchange.reply;
	size_t size = 0;

	text[0] = '\0';
	for (size_t i = 0; i < reply->head.count; i++) {
		size += (size_t)snprintf(text + size, sizeof(text) - size, "%s: %s\n",
		    head_name(&reply->head, i).data, head_value(&reply->head, i).data);
	}
	if (reply->content_length >= 0) {
		snprintf(text + size, sizeof(text) - size, "content-length: %lld\n",
		    (long long)reply->content_length);
	}
	return text;
}

/* The request is over, whatever came of it; the instance stays. */
static inline void filter_end(void)
{
	if (tincan_handler_1.on_done != NULL) {
		tincan_handler_1.on_done((tc_req *)&filter);
	}
	while (filter.memory_count > 0) {
		free(filter.memory[--filter.memory_count]);
	}
	free(filter.passed);
	filter.passed = NULL;
	filter.passed_size = 0;
	filter.passes = 0;
	filter.last = false;
	filter.data = NULL;
	filter.status = 0;
	rig_end(&filter.exchange);
}

#endif
