/* SPDX-License-Identifier: MIT */
/* Paths and authorities of RFC 3986. */
#include "http/url.h"

#include <arpa/inet.h>
#include <string.h>

#include "http/chars.h"

#define PORT_MAX 65535

static bool escape_valid(const char *at, const char *end)
{
	return end - at >= 3 && char_is(at[1], CHAR_HEX) && char_is(at[2], CHAR_HEX);
}

/* Writes what the escape at stands for; an encoded slash stays encoded. NULL: refused. */
static char *put_escape(char *out, const char *at, const char *end)
{
	char c;

	if (!escape_valid(at, end)) {
		return NULL;
	}
	c = (char)(char_hex_value(at[1]) * 16 + char_hex_value(at[2]));
	if (c == '\0') {
		return NULL;
	}
	if (c == '/') {
		memcpy(out, "%2F", 3);
		return out + 3;
	}
	*out = c;
	return out + 1;
}

/* Decodes one segment from *at on, up to its "/" or the end. NULL: refused. */
static char *put_segment(char *out, const char **at, const char *end)
{
	const char *p = *at;

	while (p < end && *p != '/') {
		if (char_is(*p, CHAR_PATH)) {
			*out++ = *p++;
			continue;
		}
		out = *p == '%' ? put_escape(out, p, end) : NULL;
		if (out == NULL) {
			return NULL;
		}
		p += 3;
	}
	*at = p;
	return out;
}

/* 1 for ".", 2 for "..", else 0. */
static int dots_of(const char *segment, size_t size)
{
	if (size == 1 && segment[0] == '.') {
		return 1;
	}
	return size == 2 && segment[0] == '.' && segment[1] == '.' ? 2 : 0;
}

/* Where the segment before this one starts; there must be one. */
static char *segment_before(char *segment)
{
	do {
		segment--;
	} while (segment[-1] != '/');
	return segment;
}

/*
 * Decodes raw, which starts with "/", into root, which has room for as much. Dot
 * segments go as RFC 3986 section 5.2.4 says, but after decoding, so that "%2e%2e" is
 * one too. Returns the end, or NULL: refused.
 */
static char *decode(struct slice raw, char *root)
{
	const char *at = raw.data + 1;
	const char *end = raw.data + raw.size;
	char *out = root;

	*out++ = '/';
	for (;;) {
		char *segment = out;
		int dots;

		out = put_segment(out, &at, end);
		if (out == NULL) {
			return NULL;
		}
		dots = dots_of(segment, (size_t)(out - segment));
		if (dots == 2 && segment == root + 1) {
			return NULL;
		}
		if (dots > 0) {
			out = dots == 1 ? segment : segment_before(segment);
		}
		if (at == end) {
			return out;
		}
		at++;
		if (dots == 0) {
			*out++ = '/';
		}
	}
}

/* Takes the scheme and "://" off the front. */
static bool skip_scheme(struct slice *target)
{
	static const struct slice schemes[] = { { "https://", 8 }, { "http://", 7 } };

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (target->size >= schemes[i].size &&
		    strncasecmp(target->data, schemes[i].data, schemes[i].size) == 0) {
			slice_skip(target, schemes[i].size);
			return true;
		}
	}
	return false;
}

/* Takes what is before the first stop, or all, off the front. */
static struct slice take_until(struct slice *text, char stop)
{
	const char *found = memchr(text->data, stop, text->size);
	struct slice taken = *text;

	if (found != NULL) {
		taken.size = (size_t)(found - text->data);
	}
	slice_skip(text, taken.size);
	return taken;
}

/* Not RFC 3986's grammar: browsers send "|", "[" and a lone "%" in queries, and nothing
 * in here decodes one. */
static bool query_valid(struct slice query)
{
	for (size_t i = 0; i < query.size; i++) {
		if (!char_is(query.data[i], CHAR_VISIBLE) || query.data[i] == '#') {
			return false;
		}
	}
	return true;
}

int url_split_target(struct slice target, struct url_target *parts)
{
	*parts = (struct url_target){ .authority = SLICE(""), .query = SLICE("") };
	if (slice_equal(target, SLICE("*"))) {
		parts->path = target;
		return 0;
	}
	parts->path = take_until(&target, '?');
	if (target.size > 0) {
		slice_skip(&target, 1);
		parts->query = target;
	}
	if (parts->path.size == 0 || parts->path.data[0] != '/') {
		if (!skip_scheme(&parts->path)) {
			return ERR_INVALID;
		}
		parts->absolute = true;
		parts->authority = take_until(&parts->path, '/');
		if (!url_authority_valid(parts->authority)) {
			return ERR_INVALID;
		}
	}
	return query_valid(parts->query) ? 0 : ERR_INVALID;
}

int url_decode_path(struct slice raw, struct arena *arena, struct slice *path)
{
	char *text;
	char *end;

	if (raw.size == 0 || raw.data[0] != '/') {
		return ERR_INVALID;
	}
	text = arena_alloc(arena, raw.size + 1);
	if (text == NULL) {
		return ERR_NOMEM;
	}
	end = decode(raw, text);
	if (end == NULL) {
		return ERR_INVALID;
	}
	*end = '\0';
	*path = (struct slice){ text, (size_t)(end - text) };
	return 0;
}

/* "" or ":" and digits, of which there may be none (RFC 3986 section 3.2.3). */
static bool port_valid(struct slice port)
{
	unsigned value = 0;

	for (size_t i = 1; i < port.size; i++) {
		if (port.data[i] < '0' || port.data[i] > '9') {
			return false;
		}
		value = value * 10 + (unsigned)(port.data[i] - '0');
		if (value > PORT_MAX) {
			return false;
		}
	}
	return port.size == 0 || port.data[0] == ':';
}

/* "v" 1*HEXDIG "." 1*( unreserved / sub-delims / ":" ) */
static bool future_address_valid(struct slice text)
{
	size_t i = 1;

	while (i < text.size && char_is(text.data[i], CHAR_HEX)) {
		i++;
	}
	if (i == 1 || i + 1 >= text.size || text.data[i] != '.') {
		return false;
	}
	for (i++; i < text.size; i++) {
		if (!char_is(text.data[i], CHAR_HOST) && text.data[i] != ':') {
			return false;
		}
	}
	return true;
}

/* What stands between "[" and "]". */
static bool literal_valid(struct slice text)
{
	char address[INET6_ADDRSTRLEN];
	struct in6_addr parsed;

	if (text.size > 0 && (text.data[0] | 0x20) == 'v') {
		return future_address_valid(text);
	}
	if (text.size >= sizeof(address) || memchr(text.data, '\0', text.size) != NULL) {
		return false;
	}
	memcpy(address, text.data, text.size);
	address[text.size] = '\0';
	return inet_pton(AF_INET6, address, &parsed) == 1;
}

/* How much of text is a reg-name or an IPv4 address; escapes must be whole. */
static size_t name_size(struct slice text)
{
	size_t i = 0;

	while (i < text.size) {
		if (char_is(text.data[i], CHAR_HOST)) {
			i++;
		} else if (text.data[i] == '%' &&
		    escape_valid(text.data + i, text.data + text.size)) {
			i += 3;
		} else {
			break;
		}
	}
	return i;
}

bool url_authority_valid(struct slice authority)
{
	size_t size;

	if (authority.size > 0 && authority.data[0] == '[') {
		const char *close = memchr(authority.data, ']', authority.size);

		if (close == NULL) {
			return false;
		}
		size = (size_t)(close - authority.data) + 1;
		if (!literal_valid((struct slice){ authority.data + 1, size - 2 })) {
			return false;
		}
	} else {
		size = name_size(authority);
		if (size == 0) {
			return false;
		}
	}
	slice_skip(&authority, size);
	return port_valid(authority);
}
