/* SPDX-License-Identifier: MIT */
/* UTF-8, checked piece by piece. */
#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

#define NOT_ASCII 0x8080808080808080u

/* How many bytes of ASCII there are in front, a word at a time: most text is no other. */
static size_t ascii_size(struct slice text)
{
	size_t size = 0;
	uint64_t word;

	while (text.size - size >= sizeof(word)) {
		memcpy(&word, text.data + size, sizeof(word));
		if ((word & NOT_ASCII) != 0) {
			break;
		}
		size += sizeof(word);
	}
	while (size < text.size && (unsigned char)text.data[size] < 0x80) {
		size++;
	}
	return size;
}

/* A first byte of several: how many follow, and what the next may be (RFC 3629, 4). */
static bool begin(struct utf8 *state, unsigned char byte)
{
	if (byte < 0xc2 || byte > 0xf4) {
		return false;
	}
	state->left = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
	state->low = 0x80;
	state->high = 0xbf;
	switch (byte) {
	case 0xe0: state->low = 0xa0; break;	/* else longer than needed */
	case 0xed: state->high = 0x9f; break;	/* else a surrogate */
	case 0xf0: state->low = 0x90; break;	/* else longer than needed */
	case 0xf4: state->high = 0x8f; break;	/* else beyond U+10FFFF */
	default: break;
	}
	return true;
}

static bool go_on(struct utf8 *state, unsigned char byte)
{
	if (byte < state->low || byte > state->high) {
		return false;
	}
	state->left--;
	state->low = 0x80;
	state->high = 0xbf;
	return true;
}

bool utf8_feed(struct utf8 *state, struct slice piece)
{
	while (piece.size > 0) {
		unsigned char byte;

		if (state->left == 0) {
			slice_skip(&piece, ascii_size(piece));
			if (piece.size == 0) {
				return true;
			}
		}
		byte = (unsigned char)piece.data[0];
		if (!(state->left == 0 ? begin(state, byte) : go_on(state, byte))) {
			return false;
		}
		slice_skip(&piece, 1);
	}
	return true;
}
