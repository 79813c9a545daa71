/* SPDX-License-Identifier: MIT */
/*
 * What people may make appear on one another's screens. A terminal obeys control
 * characters, and both it and a browser obey characters that turn the direction of text,
 * with which one could write into the other's lines or pass for somebody else.
 */
#include "chat.h"

static uint32_t decode(const unsigned char *s, size_t length)
{
	uint32_t c = length == 1 ? s[0] : s[0] & (0x7fu >> length);

	for (size_t i = 1; i < length; i++) {
		c = c << 6 | (s[i] & 0x3fu);
	}
	return c;
}

static bool is_blank(uint32_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || c == 0xa0 || c == 0x3000;
}

/* C0, DEL and C1; zero width; line and paragraph separators; embeddings, overrides and
 * isolates of direction; the byte order mark; tags. */
static bool is_unwelcome(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c ||
	    (c >= 0x200b && c <= 0x200f && c != 0x200d) || (c >= 0x2028 && c <= 0x202e) ||
	    (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
	    (c >= 0xe0000 && c <= 0xe007f);
}

/* Not in a name: what ends one or begins a note, and what would be all of one, unseen. */
static bool is_mark(uint32_t c)
{
	return c == ':' || c == '(' || c == ')' || c == 0x200d;
}

size_t clean_line(char *text, size_t size, bool name)
{
	size_t length;
	size_t kept = 0;

	for (size_t i = 0; i < size; i += length) {
		const unsigned char *s = (const unsigned char *)text + i;
		uint32_t c = '?';

		length = utf8_length(s, size - i);
		if (length > 0) {
			c = decode(s, length);
		}
		if (is_blank(c)) {
			/* None at the start, and one at most of what a name has. */
			if (kept > 0 && !(name && text[kept - 1] == ' ')) {
				text[kept++] = ' ';
			}
		} else if (length == 0) {
			text[kept++] = '?';
		} else if (!is_unwelcome(c) && !(name && is_mark(c))) {
			memmove(text + kept, s, length);
			kept += length;
		}
		length = length == 0 ? 1 : length;
	}
	while (kept > 0 && text[kept - 1] == ' ') {
		kept--;
	}
	return kept;
}

size_t clean_cut(const char *text, size_t size, size_t limit)
{
	if (size <= limit) {
		return size;
	}
	while (limit > 0 && (text[limit] & 0xc0) == 0x80) {
		limit--;
	}
	return limit;
}
