/* SPDX-License-Identifier: MIT */
/* Classes of bytes, as tables. */
#include "http/chars.h"

const char http_token_lower[256] = {
	[0x20] = 0, '!', 0, '#', '$', '%', '&', '\'',
	[0x28] = 0, 0, '*', '+', 0, '-', '.', 0,
	[0x30] = '0', '1', '2', '3', '4', '5', '6', '7',
	[0x38] = '8', '9', 0, 0, 0, 0, 0, 0,
	[0x40] = 0, 'a', 'b', 'c', 'd', 'e', 'f', 'g',
	[0x48] = 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o',
	[0x50] = 'p', 'q', 'r', 's', 't', 'u', 'v', 'w',
	[0x58] = 'x', 'y', 'z', 0, 0, 0, '^', '_',
	[0x60] = '`', 'a', 'b', 'c', 'd', 'e', 'f', 'g',
	[0x68] = 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o',
	[0x70] = 'p', 'q', 'r', 's', 't', 'u', 'v', 'w',
	[0x78] = 'x', 'y', 'z', 0, '|', 0, '~', 0,
};

/* What a byte is good for, each letter including the one above it. */
#define T CHAR_TEXT
#define V (T | CHAR_VISIBLE)
#define P (V | CHAR_PATH)
#define H (P | CHAR_HOST)
#define X (H | CHAR_HEX)

const unsigned char http_chars[256] = {
	[0x00] = 0, 0, 0, 0, 0, 0, 0, 0, 0, T, 0, 0, 0, 0, 0, 0,
	[0x10] = 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	[0x20] = T, H, V, V, H, V, H, H, H, H, H, H, H, H, H, P,
	[0x30] = X, X, X, X, X, X, X, X, X, X, P, H, V, H, V, V,
	[0x40] = P, X, X, X, X, X, X, H, H, H, H, H, H, H, H, H,
	[0x50] = H, H, H, H, H, H, H, H, H, H, H, V, V, V, V, H,
	[0x60] = V, X, X, X, X, X, X, H, H, H, H, H, H, H, H, H,
	[0x70] = H, H, H, H, H, H, H, H, H, H, H, V, V, V, H, 0,
	[0x80 ... 0xff] = T
};
