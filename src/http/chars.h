/* SPDX-License-Identifier: MIT */
/* Classes of bytes, as tables: what the grammars of RFC 9110 and RFC 3986 are made of. */
#ifndef TINCAN_HTTP_CHARS_H
#define TINCAN_HTTP_CHARS_H

#include <stdbool.h>

enum {
	CHAR_TEXT = 1 << 0,	/* may stand in a field value: no control but HTAB */
	CHAR_VISIBLE = 1 << 1,	/* VCHAR: ASCII, no space, no control */
	CHAR_PATH = 1 << 2,	/* pchar and "/", but for the "%" of an escape */
	CHAR_HOST = 1 << 3,	/* of a reg-name, but for the "%" of an escape */
	CHAR_HEX = 1 << 4
};

extern const unsigned char http_chars[256];

/* The lower case of a byte of a token (RFC 9110 section 5.6.2); 0 for any other. */
extern const char http_token_lower[256];

static inline bool char_is(char c, int classes)
{
	return (http_chars[(unsigned char)c] & classes) != 0;
}

static inline char char_token_lower(char c)
{
	return http_token_lower[(unsigned char)c];
}

static inline bool char_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The value of a hexadecimal digit; c must be one. */
static inline int char_hex_value(char c)
{
	return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

#endif
