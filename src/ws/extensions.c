/* SPDX-License-Identifier: MIT */
/* The client's offers of extensions, and which one we take. */
#include "ws/extensions.h"

#include <stdio.h>

#include "http/chars.h"
#include "ws/ws_deflate.h"

#define VALUE_BYTES 8	/* of a parameter's value: those we know have two at most */

struct parameter {
	struct slice name;
	bool has_value;
	size_t value_size;	/* past VALUE_BYTES: value holds the first ones */
	char value[VALUE_BYTES];
};

/* Of permessage-deflate: the parameters of one offer. */
enum {
	SERVER_NO_TAKEOVER = 1 << 0, CLIENT_NO_TAKEOVER = 1 << 1, SERVER_BITS = 1 << 2,
	CLIENT_BITS = 1 << 3
};

struct offer {
	bool declined;
	unsigned seen;		/* a set of the above: none may be there twice */
	int window_bits;
};

static void skip_blanks(struct slice *text)
{
	while (text->size > 0 && char_is_blank(text->data[0])) {
		slice_skip(text, 1);
	}
}

/* Takes c and the blanks before it, if it comes next. */
static bool take(struct slice *text, char c)
{
	skip_blanks(text);
	if (text->size == 0 || text->data[0] != c) {
		return false;
	}
	slice_skip(text, 1);
	return true;
}

/* Takes a token (RFC 9110 section 5.6.2) and the blanks before it, if one comes. */
static bool take_token(struct slice *text, struct slice *token)
{
	skip_blanks(text);
	*token = (struct slice){ text->data, 0 };
	while (text->size > 0 && char_token_lower(text->data[0]) != 0) {
		slice_skip(text, 1);
		token->size++;
	}
	return token->size > 0;
}

static void add_to_value(struct parameter *parameter, char c)
{
	if (parameter->value_size < VALUE_BYTES) {
		parameter->value[parameter->value_size] = c;
	}
	parameter->value_size++;
}

/* The rest of a quoted string, which is a token once it is unquoted. */
static bool take_quoted(struct slice *text, struct parameter *parameter)
{
	while (text->size > 0 && text->data[0] != '"') {
		if (text->data[0] == '\\') {
			slice_skip(text, 1);
		}
		if (text->size == 0 || char_token_lower(text->data[0]) == 0) {
			return false;
		}
		add_to_value(parameter, text->data[0]);
		slice_skip(text, 1);
	}
	return parameter->value_size > 0 && take(text, '"');
}

static bool take_parameter(struct slice *text, struct parameter *parameter)
{
	struct slice token;

	*parameter = (struct parameter){ .value_size = 0 };
	if (!take_token(text, &parameter->name)) {
		return false;
	}
	parameter->has_value = take(text, '=');
	if (!parameter->has_value) {
		return true;
	}
	if (take(text, '"')) {
		return take_quoted(text, parameter);
	}
	if (!take_token(text, &token)) {
		return false;
	}
	for (size_t i = 0; i < token.size; i++) {
		add_to_value(parameter, token.data[i]);
	}
	return true;
}

/* 8 to 15, without a leading zero (RFC 7692 section 7.1.2); 0: none of them. */
static int window_bits(const struct parameter *parameter)
{
	const char *digits = parameter->value;

	if (parameter->value_size == 1 && (digits[0] == '8' || digits[0] == '9')) {
		return digits[0] - '0';
	}
	if (parameter->value_size == 2 && digits[0] == '1' && digits[1] >= '0' &&
	    digits[1] <= '5') {
		return 10 + digits[1] - '0';
	}
	return 0;
}

/* Which parameter it is; 0: none we know, or with a value it cannot have. */
static unsigned judge(const struct parameter *parameter)
{
	struct slice name = parameter->name;
	bool has_value = parameter->has_value;

	if (slice_equal(name, SLICE("server_no_context_takeover"))) {
		return has_value ? 0 : SERVER_NO_TAKEOVER;
	}
	if (slice_equal(name, SLICE("client_no_context_takeover"))) {
		return has_value ? 0 : CLIENT_NO_TAKEOVER;
	}
	if (slice_equal(name, SLICE("server_max_window_bits"))) {
		return window_bits(parameter) != 0 ? SERVER_BITS : 0;
	}
	if (slice_equal(name, SLICE("client_max_window_bits"))) {
		return !has_value || window_bits(parameter) != 0 ? CLIENT_BITS : 0;
	}
	return 0;
}

static void add_parameter(struct offer *offer, const struct parameter *parameter)
{
	unsigned which = judge(parameter);

	if (which == 0 || (offer->seen & which) != 0) {
		offer->declined = true;
	}
	offer->seen |= which;
	if (which == SERVER_BITS) {
		offer->window_bits = window_bits(parameter);
	}
}

/* Takes one extension with its parameters. False: against the grammar. */
static bool take_extension(struct slice *text, struct offer *offer)
{
	struct slice name;

	if (!take_token(text, &name)) {
		return false;
	}
	*offer = (struct offer){ .window_bits = WS_WINDOW_MAX,
		.declined = !slice_equal(name, SLICE("permessage-deflate")) };
	while (take(text, ';')) {
		struct parameter parameter;

		if (!take_parameter(text, &parameter)) {
			return false;
		}
		add_parameter(offer, &parameter);
	}
	return true;
}

/* Our answer to an offer. We need not say a window that nobody asked about. */
static void agree(const struct offer *offer, struct ws_extensions *agreed)
{
	char bits[sizeof("; server_max_window_bits=15")] = "";

	agreed->window_bits = offer->window_bits;
	if ((offer->seen & SERVER_BITS) != 0) {
		snprintf(bits, sizeof(bits), "; server_max_window_bits=%d",
		    offer->window_bits);
	}
	snprintf(agreed->value, sizeof(agreed->value), "permessage-deflate; "
	    "server_no_context_takeover; client_no_context_takeover%s", bits);
}

/* One field's list; its elements may be empty (RFC 9110 section 5.6.1.2). */
static bool read_list(struct slice list, struct ws_extensions *agreed)
{
	for (;;) {
		struct offer offer;

		while (take(&list, ',')) {
		}
		if (list.size == 0) {
			return true;
		}
		if (!take_extension(&list, &offer)) {
			return false;
		}
		if (!offer.declined && agreed->window_bits == 0) {
			agree(&offer, agreed);
		}
		skip_blanks(&list);
		if (list.size > 0 && list.data[0] != ',') {
			return false;
		}
	}
}

int ws_extensions_negotiate(const struct head *head, struct ws_extensions *agreed)
{
	*agreed = (struct ws_extensions){ .window_bits = 0 };
	for (uint32_t i = 0; i < head->count; i++) {
		if (slice_equal(head_name(head, i), SLICE("sec-websocket-extensions")) &&
		    !read_list(head_value(head, i), agreed)) {
			return ERR_INVALID;
		}
	}
	return 0;
}
