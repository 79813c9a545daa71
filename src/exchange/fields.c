/* SPDX-License-Identifier: MIT */
/* Which fields a handler may put into a reply's header and trailer. */
#include "exchange/fields.h"

#include <stddef.h>

/* RFC 9110 section 7.6.1, RFC 9112 sections 6.1 and 7: they say where this message ends,
 * or what this one connection does next. */
static const char *const framing[] = { "connection", "keep-alive", "proxy-connection",
	"te", "trailer", "transfer-encoding", "upgrade" };

/* What must be known before the body: framing, routing, modifiers of requests,
 * authentication, control data of replies, and how to read the content. */
static const char *const before_the_body[] = { "age", "authorization", "cache-control",
	"content-encoding", "content-length", "content-range", "content-type", "cookie",
	"date", "expect", "expires", "host", "if-match", "if-modified-since",
	"if-none-match", "if-range", "if-unmodified-since", "location", "max-forwards",
	"pragma", "proxy-authenticate", "proxy-authorization", "range", "retry-after",
	"set-cookie", "vary", "warning", "www-authenticate" };

static bool is_one_of(struct slice name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (slice_equal_nocase(name, slice_of(names[i]))) {
			return true;
		}
	}
	return false;
}

bool fields_framing(struct slice name)
{
	return is_one_of(name, framing, sizeof(framing) / sizeof(framing[0]));
}

bool fields_trailer_allowed(struct slice name)
{
	return !fields_framing(name) && !is_one_of(name, before_the_body,
	    sizeof(before_the_body) / sizeof(before_the_body[0]));
}

int fields_parse_length(struct slice value, int64_t *length)
{
	int64_t sum = 0;

	if (value.size == 0) {
		return ERR_INVALID;
	}
	for (size_t i = 0; i < value.size; i++) {
		int digit = value.data[i] - '0';

		if (digit < 0 || digit > 9 || sum > (INT64_MAX - digit) / 10) {
			return ERR_INVALID;
		}
		sum = sum * 10 + digit;
	}
	*length = sum;
	return 0;
}
