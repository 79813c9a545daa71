/* SPDX-License-Identifier: MIT */
/* Fields that the handler side of an exchange says or changes, each of them checked. */
#include <string.h>

#include "exchange/exchange.h"
#include "exchange/fields.h"

#define FIELD_NAME_BYTES 128	/* longest name of a field that a handler may set */

/* Content-Length is kept as a number: it decides how the reply is framed. */
static int set_length(struct exchange *exchange, const char *value, bool replace)
{
	int64_t length = -1;

	if (value != NULL && fields_parse_length(slice_of(value), &length) != 0) {
		return ERR_INVALID;
	}
	if (!replace && exchange->reply.content_length >= 0) {
		return ERR_INVALID;
	}
	exchange->reply.content_length = length;
	return 0;
}

static void remove_field(struct head *head, struct slice name)
{
	char lower[FIELD_NAME_BYTES];

	for (size_t i = 0; i < name.size; i++) {
		bool upper = name.data[i] >= 'A' && name.data[i] <= 'Z';

		lower[i] = upper ? (char)(name.data[i] - 'A' + 'a') : name.data[i];
	}
	head_remove(head, (struct slice){ lower, name.size });
}

/* 0, or why the field is not to be changed now. */
static int judge_field(const struct exchange *exchange, struct slice name,
    const char *value)
{
	if (exchange_abandoned(exchange)) {
		return ERR_CLOSED;
	}
	if (exchange->state != EXCHANGE_OPEN || name.size > FIELD_NAME_BYTES ||
	    !head_name_valid(name) || fields_framing(name) ||
	    (value != NULL && !head_value_valid(slice_of(value)))) {
		return ERR_INVALID;
	}
	return 0;
}

static int put_field(struct head *head, struct slice name, const char *value,
    bool replace)
{
	if (replace) {
		remove_field(head, name);
	}
	return value == NULL ? 0 : head_add(head, name, slice_of(value));
}

static int note(struct exchange *exchange, enum edit_kind kind, const char *name,
    const char *value)
{
	return exchange->edits == NULL ? 0 : edits_note(exchange->edits,
	    &exchange->arena, kind, name, value);
}

static int change_field(struct exchange *exchange, const char *name, const char *value,
    bool replace)
{
	struct slice field = slice_of(name);
	int rc = judge_field(exchange, field, value);

	if (rc == 0) {
		rc = slice_equal_nocase(field, SLICE("content-length")) ?
		    set_length(exchange, value, replace) :
		    put_field(&exchange->reply.head, field, value, replace);
	}
	return rc != 0 ? rc :
	    note(exchange, replace ? EDIT_SET : EDIT_ADD, name, value);
}

int exchange_set_header(struct exchange *exchange, const char *name, const char *value)
{
	return change_field(exchange, name, value, true);
}

int exchange_add_header(struct exchange *exchange, const char *name, const char *value)
{
	return value == NULL ? ERR_INVALID : change_field(exchange, name, value, false);
}

/* The outer exchange sees its own fields, which nobody behind it may move. */
static int own_fields(struct exchange *exchange)
{
	struct head *head = &exchange->request.head;
	struct head_field *fields;

	if (exchange->outer == NULL || head->count == 0 ||
	    head->fields != exchange->outer->request.head.fields) {
		return 0;
	}
	fields = arena_alloc(&exchange->arena, head->count * sizeof(*fields));
	if (fields == NULL) {
		return ERR_NOMEM;
	}
	memcpy(fields, head->fields, head->count * sizeof(*fields));
	head->fields = fields;
	return 0;
}

int exchange_set_request_header(struct exchange *exchange, const char *name,
    const char *value)
{
	struct slice field = slice_of(name);
	int rc = judge_field(exchange, field, value);

	if (rc == 0 && slice_equal_nocase(field, SLICE("content-length"))) {
		rc = ERR_INVALID;
	}
	rc = rc != 0 ? rc : own_fields(exchange);
	rc = rc != 0 ? rc : put_field(&exchange->request.head, field, value, true);
	return rc != 0 ? rc : note(exchange, EDIT_REQUEST, name, value);
}

bool exchange_is_typed(const struct exchange *exchange)
{
	return exchange->borrowed
	    ? edits_find(exchange->edits, "content-type") != NULL
	    : head_find(&exchange->reply.head, SLICE("content-type")).data != NULL;
}

int exchange_add_trailer(struct exchange *exchange, const char *name, const char *value)
{
	struct slice field = slice_of(name);
	bool unfinished = exchange->state == EXCHANGE_OPEN ||
	    exchange->state == EXCHANGE_STARTED;

	if (exchange_abandoned(exchange)) {
		return ERR_CLOSED;
	}
	if (!unfinished || value == NULL || !head_name_valid(field) ||
	    !fields_trailer_allowed(field) || !head_value_valid(slice_of(value))) {
		return ERR_INVALID;
	}
	return head_add(&exchange->reply.trailer, field, slice_of(value));
}
