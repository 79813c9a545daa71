/* SPDX-License-Identifier: MIT */
/* What the server says in place of the handler side. */
#include "exchange/exchange_parts.h"

#include <string.h>

/* What exchange_fail may use of the arena when a handler has filled it. */
#define EXCHANGE_RESERVE 8192
/* What a status is about. */
static const struct slice failure_fields[] = { { "allow", 5 }, { "retry-after", 11 },
	{ "sec-websocket-version", 21 } };
#define FAILURE_FIELDS (sizeof(failure_fields) / sizeof(failure_fields[0]))

static bool is_of_failure(struct slice name)
{
	for (size_t i = 0; i < FAILURE_FIELDS; i++) {
		if (slice_equal_nocase(name, failure_fields[i])) {
			return true;
		}
	}
	return false;
}

/* Those of a failure are with the others, by now as the server wants them. */
static int put_given(struct exchange *exchange)
{
	const struct head *given = exchange->given;
	int rc = 0;

	for (size_t i = 0; given != NULL && rc == 0 && i < given->count; i++) {
		if (!is_of_failure(head_name(given, i))) {
			rc = head_add(&exchange->reply.head, head_name(given, i),
			    head_value(given, i));
		}
	}
	return rc;
}

/* Replies anew, without what the handler had set but for what the status is about. */
static int put_failure(struct exchange *exchange, int status, const char *reason)
{
	struct head old = exchange->reply.head;
	bool ours = status >= 500 && exchange->id[0] != '\0';
	char *text;

	exchange->borrowed = false;
	reply_init(&exchange->reply, &exchange->arena);
	if (put_given(exchange) != 0) {
		return ERR_NOMEM;
	}
	for (size_t i = 0; i < FAILURE_FIELDS; i++) {
		struct slice value = head_find(&old, failure_fields[i]);

		if (value.data != NULL &&
		    head_add(&exchange->reply.head, failure_fields[i], value) != 0) {
			return ERR_NOMEM;
		}
	}
	text = arena_printf(&exchange->arena, "%d %s%s%s%s%s%s\n", status,
	    http_status_phrase(status), reason == NULL ? "" : ": ",
	    reason == NULL ? "" : reason, ours ? " (request " : "",
	    ours ? exchange->id : "", ours ? ")" : "");
	if (text == NULL) {
		return ERR_NOMEM;
	}
	return exchange_reply_ref(exchange, status, "text/plain; charset=utf-8", text,
	    exchange_has_content(status) ? strlen(text) : 0, NULL, NULL);
}

void exchange_fail(struct exchange *exchange, int status, const char *reason)
{
	if (exchange_abandoned(exchange)) {
		exchange_let_go_late(exchange);
	} else if (exchange->state == EXCHANGE_STARTED) {
		exchange_finish(exchange, EXCHANGE_BROKEN);
	} else if (exchange->state == EXCHANGE_OPEN) {
		exchange->arena.max = EXCHANGE_MEMORY + EXCHANGE_RESERVE;
		if (put_failure(exchange, status, reason) != 0) {
			exchange_finish(exchange, EXCHANGE_BROKEN);
		}
	}
}

void exchange_overrule(struct exchange *exchange, int status, const char *reason)
{
	bool held = exchange->held;

	if (exchange->state > EXCHANGE_STARTED) {
		return;
	}
	/* It is the server that finishes. */
	exchange->held = false;
	exchange_fail(exchange, status, reason);
	exchange->held = held;
	exchange_tell_gone(exchange);
}

void exchange_expire(struct exchange *exchange)
{
	if (exchange->state == EXCHANGE_OPEN) {
		exchange_overrule(exchange, 504, "the handler did not answer in time");
	}
}
