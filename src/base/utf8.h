/* SPDX-License-Identifier: MIT */
/*
 * Is it UTF-8 (RFC 3629)? Asked piece by piece, wherever the text is cut; no overlong
 * forms, no surrogates, nothing beyond U+10FFFF.
 */
#ifndef TINCAN_BASE_UTF8_H
#define TINCAN_BASE_UTF8_H

#include <stdbool.h>

#include "base/slice.h"

/* Where in a character a text is. All zero: between two. Embedded; no release. */
struct utf8 {
	unsigned char left;	/* bytes the character still needs */
	unsigned char low;	/* bounds of the next of them */
	unsigned char high;
};

/* Goes on with the next piece of the text. False at the first byte that cannot stand
 * there; then the state is of no use any more. */
bool utf8_feed(struct utf8 *state, struct slice piece);

/* May the text end here? */
static inline bool utf8_complete(const struct utf8 *state)
{
	return state->left == 0;
}

/* Is this a whole text of UTF-8? */
static inline bool utf8_valid(struct slice text)
{
	struct utf8 state = { 0 };

	return utf8_feed(&state, text) && utf8_complete(&state);
}

#endif
