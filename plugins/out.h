/* SPDX-License-Identifier: MIT */
/*
 * Text in the making: a growing buffer for replies whose size is not known beforehand.
 * It lives on the heap, since a request's own memory is bounded, and out_reply gives it
 * to the server without a copy. A failed allocation is remembered, not reported: write
 * on, and out_reply sends the 500. For all plugins here; needs nothing but a C library.
 */
#ifndef TINCAN_PLUGINS_OUT_H
#define TINCAN_PLUGINS_OUT_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <tincan/handler.h>

struct out {
	char *data;		/* owned until out_reply; NUL-terminated if not NULL */
	size_t size;
	size_t capacity;
	bool failed;
};

/* Room for size more bytes and a NUL; false, for good, if there is none. */
static inline bool out_room(struct out *out, size_t size)
{
	size_t capacity = out->capacity > 0 ? out->capacity : 1024;
	char *data;

	if (out->failed || size >= SIZE_MAX / 2 - out->size) {
		out->failed = true;
		return false;
	}
	while (capacity <= out->size + size) {
		capacity *= 2;
	}
	if (capacity == out->capacity) {
		return true;
	}
	data = realloc(out->data, capacity);
	if (data == NULL) {
		out->failed = true;
		return false;
	}
	out->data = data;
	out->capacity = capacity;
	return true;
}

static inline void out_bytes(struct out *out, const void *data, size_t size)
{
	if (out_room(out, size)) {
		memcpy(out->data + out->size, data, size);
		out->size += size;
		out->data[out->size] = '\0';
	}
}

static inline void out_text(struct out *out, const char *text)
{
	out_bytes(out, text, strlen(text));
}

TC_FORMAT(2) static inline void out_printf(struct out *out, const char *format, ...)
{
	va_list ap;
	va_list again;
	int n;

	va_start(ap, format);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, format, ap);
	if (n < 0) {
		out->failed = true;
	} else if (out_room(out, (size_t)n)) {
		vsnprintf(out->data + out->size, (size_t)n + 1, format, again);
		out->size += (size_t)n;
	}
	va_end(again);
	va_end(ap);
}

/*
 * Length of the UTF-8 character at s, of which size > 0 bytes are there; 0 if it is none:
 * a stray or missing continuation, an overlong form, a surrogate, above U+10FFFF.
 */
static inline size_t utf8_length(const unsigned char *s, size_t size)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t length = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 :
	    s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
	uint32_t c;

	if (length <= 1 || length > size) {
		return length == 1;
	}
	c = s[0] & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if ((s[i] & 0xc0) != 0x80) {
			return 0;
		}
		c = c << 6 | (s[i] & 0x3fu);
	}
	if (c < least[length] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) {
		return 0;
	}
	return length;
}

static inline bool utf8_valid(const void *data, size_t size)
{
	const unsigned char *s = data;
	size_t length;

	for (size_t i = 0; i < size; i += length) {
		length = utf8_length(s + i, size - i);
		if (length == 0) {
			return false;
		}
	}
	return true;
}

/* Bytes as a JSON string; what is not UTF-8 becomes U+FFFD, since JSON cannot hold it. */
static inline void out_json_bytes(struct out *out, const void *data, size_t size)
{
	const unsigned char *s = data;
	size_t plain = 0;	/* start of the run that needs no escape */
	size_t i = 0;

	out_text(out, "\"");
	while (i < size) {
		size_t length = utf8_length(s + i, size - i);

		if (length > 0 && s[i] >= 0x20 && s[i] != '"' && s[i] != '\\') {
			i += length;
			continue;
		}
		out_bytes(out, s + plain, i - plain);
		if (length == 0) {
			out_text(out, "\\ufffd");
		} else {
			out_printf(out, s[i] < 0x20 ? "\\u%04x" : "\\%c", s[i]);
		}
		plain = ++i;
	}
	out_bytes(out, s + plain, size - plain);
	out_text(out, "\"");
}

/* The same of a text; NULL becomes null. */
static inline void out_json(struct out *out, const char *text)
{
	if (text == NULL) {
		out_text(out, "null");
	} else {
		out_json_bytes(out, text, strlen(text));
	}
}

/* Replies with the text and gives it away: out is empty then, whatever the result. */
static inline int out_reply(tc_req *r, int status, const char *type, struct out *out)
{
	struct out all = *out;

	*out = (struct out){ 0 };
	if (all.failed) {
		free(all.data);
		return tc.reply(r, status, NULL, NULL, 1);	/* no data: 500 */
	}
	return tc.reply_ref(r, status, type, all.data != NULL ? all.data : "", all.size,
	    free, all.data);
}

#endif
