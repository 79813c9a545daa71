/* SPDX-License-Identifier: MIT */
/*
 * headers: a filter that changes header fields, and the first filter to read. Settings:
 *
 *	set	{ "Name": "value" }: the reply has this one, whatever it had
 *	default	{ "Name": "value" }: the same, if it has none of that name
 *	add	{ "Name": "value" or ["value", ...] }: beside those it has
 *	remove	["Name", ...]
 *	status	[404, "5xx", ...]: of these replies alone; all unless given
 *	request	{ "set": ..., "remove": ... }: of the request, for all who come later
 *
 * What is removed is removed first, what is added comes last. Names and values are judged
 * when the server starts: a reply is the wrong place for finding out.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <tincan/handler.h>

#define NAME_BYTES 100		/* the server knows longer ones, nobody else does */
#define STATUSES 600

enum how { REMOVE, SET, DEFAULT, ADD };

struct change {
	enum how how;
	const char *name;	/* texts are the settings', borrowed until on_close */
	const char *value;	/* NULL: takes the field out */
};

struct changes {
	struct change *items;	/* owned */
	size_t count;
};

struct rules {
	struct changes reply;
	struct changes request;
	bool applies[STATUSES];	/* by the status of the reply */
};

/* They belong to the server, which knows how long a message is and how it ends. */
static const char *const framing[] = { "Connection", "Content-Length", "Keep-Alive",
	"Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade" };

static bool is_framing(const char *name)
{
	for (size_t i = 0; i < sizeof framing / sizeof *framing; i++) {
		if (strcasecmp(name, framing[i]) == 0) {
			return true;
		}
	}
	return false;
}

/* What is wrong with a field's name, or NULL (RFC 9110 section 5.1). */
static const char *name_mistake(const char *name)
{
	size_t size = strspn(name, "0123456789abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ!#$%&'*+-.^_`|~");

	if (size == 0 || name[size] != '\0') {
		return "expected a field name: letters, digits and !#$%&'*+-.^_`|~";
	}
	if (size > NAME_BYTES) {
		return "expected a field name of 100 characters at most";
	}
	return is_framing(name) ? "this field is the server's to send" : NULL;
}

/* The same of a value (section 5.5): no control characters, no blanks around it. */
static const char *value_mistake(const char *value)
{
	size_t size = strlen(value);

	if (size > 0 && (strchr(" \t", value[0]) != NULL ||
	    strchr(" \t", value[size - 1]) != NULL)) {
		return "expected a value without blanks around it";
	}
	for (; *value != '\0'; value++) {
		if (((unsigned char)*value < ' ' && *value != '\t') || *value == 0x7f) {
			return "expected a value without control characters";
		}
	}
	return NULL;
}

static int add_change(tc_conf *cf, const char *key, struct changes *changes,
    struct change change)
{
	const char *mistake = name_mistake(change.name);
	struct change *items;

	if (mistake == NULL && change.value != NULL) {
		mistake = value_mistake(change.value);
	}
	if (mistake != NULL) {
		return tc.conf_error(cf, key, mistake);
	}
	items = reallocarray(changes->items, changes->count + 1, sizeof *items);
	if (items == NULL) {
		return TC_NOMEM;
	}
	changes->items = items;
	items[changes->count++] = change;
	return TC_OK;
}

/* Has the settings something else there than the list or object that we look for? */
static int check_absent(tc_conf *cf, const char *key, const char *expected)
{
	size_t size;
	const char *json = tc.conf_json(cf, key, &size);

	return json == NULL || strcmp(json, "null") == 0 ? TC_OK :
	    tc.conf_error(cf, key, expected);
}

/* The value at key. Null is left out, and a wrong type, which the server tells. */
static int read_value(tc_conf *cf, const char *key, struct changes *changes,
    enum how how, const char *name)
{
	const char *value = tc.conf_str(cf, key, NULL);

	return value == NULL ? TC_OK :
	    add_change(cf, key, changes, (struct change){ how, name, value });
}

/* All mistakes are told at once: who calls goes on after one, and keeps it in result. */
static void keep(int *result, int other)
{
	*result = *result == TC_OK ? other : *result;
}

static int read_values(tc_conf *cf, const char *key, struct changes *changes,
    enum how how, const char *name)
{
	int count = how == ADD ? tc.conf_len(cf, key) : -1;
	int result = TC_OK;

	if (count < 0) {
		return read_value(cf, key, changes, how, name);
	}
	for (int i = 0; i < count; i++) {
		char item[3 * NAME_BYTES];

		snprintf(item, sizeof item, "%s.%d", key, i);
		keep(&result, read_value(cf, item, changes, how, name));
	}
	return result;
}

/* An object of names with their values. */
static int read_object(tc_conf *cf, const char *object, struct changes *changes,
    enum how how)
{
	static const char expected[] = "expected an object: { \"Name\": \"value\" }";
	int count = tc.conf_len(cf, object);
	int result = TC_OK;

	if (count < 0) {
		return check_absent(cf, object, expected);
	}
	for (int i = 0; i < count; i++) {
		const char *name = tc.conf_name(cf, object, i);
		char key[2 * NAME_BYTES];

		if (name == NULL) {
			return tc.conf_error(cf, object, expected);
		}
		if (strlen(name) > NAME_BYTES) {
			return tc.conf_error(cf, object, name_mistake(name));
		}
		snprintf(key, sizeof key, "%s.%s", object, name);
		keep(&result, read_values(cf, key, changes, how, name));
	}
	return result;
}

static int read_removals(tc_conf *cf, const char *list, struct changes *changes)
{
	static const char expected[] = "expected a list: [\"Name\"]";
	int count = tc.conf_len(cf, list);
	int result = TC_OK;

	if (count < 0) {
		return check_absent(cf, list, expected);
	}
	if (tc.conf_name(cf, list, 0) != NULL) {
		return tc.conf_error(cf, list, expected);
	}
	for (int i = 0; i < count; i++) {
		char key[NAME_BYTES];
		const char *name;

		snprintf(key, sizeof key, "%s.%d", list, i);
		name = tc.conf_str(cf, key, NULL);
		if (name != NULL) {
			keep(&result, add_change(cf, key, changes,
			    (struct change){ REMOVE, name, NULL }));
		}
	}
	return result;
}

/* One of "status": 404, "404" or "4xx", as JSON text. */
static bool add_status(struct rules *rules, const char *json)
{
	const char *text = json + (*json == '"');
	size_t size = strcspn(text, "\"");
	int first;

	if (size != 3 || *text < '2' || *text > '5') {
		return false;
	}
	first = (*text - '0') * 100;
	if (strncasecmp(text + 1, "xx", 2) == 0) {
		memset(rules->applies + first, true, 100);
		return true;
	}
	if (strspn(text, "0123456789") != size) {
		return false;
	}
	rules->applies[first + (text[1] - '0') * 10 + text[2] - '0'] = true;
	return true;
}

static int read_statuses(tc_conf *cf, struct rules *rules)
{
	int count = tc.conf_len(cf, "status");
	int result = TC_OK;

	if (count < 0) {
		memset(rules->applies, true, sizeof rules->applies);
		return check_absent(cf, "status", "expected a list: [404, \"5xx\"]");
	}
	for (int i = 0; i < count; i++) {
		char key[32];
		const char *json;
		size_t size;

		snprintf(key, sizeof key, "status.%d", i);
		json = tc.conf_json(cf, key, &size);
		if (json == NULL || !add_status(rules, json)) {
			keep(&result, tc.conf_error(cf, json != NULL ? key : "status",
			    "expected statuses: 200..599, or \"2xx\" to \"5xx\""));
		}
	}
	return result;
}

static int read_settings(tc_conf *cf, struct rules *rules)
{
	int result = read_removals(cf, "remove", &rules->reply);

	keep(&result, read_object(cf, "set", &rules->reply, SET));
	keep(&result, read_object(cf, "default", &rules->reply, DEFAULT));
	keep(&result, read_object(cf, "add", &rules->reply, ADD));
	keep(&result, read_statuses(cf, rules));
	if (tc.conf_len(cf, "request") < 0) {
		keep(&result, check_absent(cf, "request",
		    "expected an object: { \"set\": ..., \"remove\": ... }"));
	}
	keep(&result, read_removals(cf, "request.remove", &rules->request));
	keep(&result, read_object(cf, "request.set", &rules->request, SET));
	return result;
}

static void close_filter(void *state)
{
	struct rules *rules = state;

	free(rules->reply.items);
	free(rules->request.items);
	free(rules);
}

static int open_filter(tc_conf *cf, void **state)
{
	struct rules *rules = calloc(1, sizeof *rules);
	int result;

	if (rules == NULL) {
		return TC_NOMEM;
	}
	result = read_settings(cf, rules);
	if (result != TC_OK) {
		close_filter(rules);	/* the server closes only what was opened */
		return result;
	}
	*state = rules;
	return TC_OK;
}

/* On its way in. A result other than TC_NEXT ends the request: fields that an operator
 * wants away must not get through because memory ran out. */
static int change_request(tc_req *r)
{
	const struct rules *rules = tc.state(r);

	for (size_t i = 0; i < rules->request.count; i++) {
		const struct change *change = &rules->request.items[i];
		int result = tc.set_request_header(r, change->name, change->value);

		if (result != TC_OK) {
			return result;
		}
	}
	return TC_NEXT;
}

/* On its way out, whoever has replied: the handler, another filter, the server. */
static int change_reply(tc_req *r, int status)
{
	const struct rules *rules = tc.state(r);
	int result = TC_OK;

	if (!rules->applies[status]) {
		return TC_OK;
	}
	for (size_t i = 0; i < rules->reply.count && result == TC_OK; i++) {
		const struct change *change = &rules->reply.items[i];

		if (change->how == ADD) {
			result = tc.add_header(r, change->name, change->value);
		} else if (change->how != DEFAULT ||
		    tc.reply_header(r, change->name) == NULL) {
			result = tc.set_header(r, change->name, change->value);
		}
	}
	return result;
}

TINCAN_HANDLER("headers",
	.version = "1.0",
	.about = "a filter that sets, adds and removes header fields",
	.on_open = open_filter,
	.on_close = close_filter,
	.on_filter = change_request,
	.on_reply = change_reply);
