/* SPDX-License-Identifier: MIT */
/* UTF-8: every character, every wrong sequence of two and three bytes, wherever cut. */
#include "base/utf8.h"

#include <stdint.h>

#include "unit.h"

/* Writes a character's UTF-8 by RFC 3629 section 3, right or not; its size. */
static size_t encode(uint32_t c, char out[4])
{
	size_t size = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (size_t i = size - 1; i > 0; i--) {
		out[i] = (char)(0x80 | (c & 0x3f));
		c >>= 6;
	}
	out[0] = (char)(lead[size] | c);
	return size;
}

/* Fed whole, and byte by byte: the same answer. */
static bool valid(const char *data, size_t size)
{
	struct slice text = { data, size };
	struct utf8 state = { 0 };
	bool whole = utf8_valid(text);
	bool fed = true;

	for (size_t i = 0; i < size && fed; i++) {
		fed = utf8_feed(&state, (struct slice){ data + i, 1 });
	}
	/* Not ck_assert: it writes to a pipe, and this is asked millions of times. */
	if (whole != (fed && utf8_complete(&state))) {
		ck_abort_msg("cut, it is judged otherwise");
	}
	return whole;
}

START_TEST(takes_every_character_but_surrogates)
{
	char text[4];

	for (uint32_t c = 0; c < 0x200000; c++) {
		bool is_character = c < 0xd800 || (c > 0xdfff && c <= 0x10ffff);
		size_t size = encode(c, text);

		if (valid(text, size) != is_character) {
			ck_abort_msg("U+%04X", c);
		}
	}
}
END_TEST

START_TEST(refuses_overlong_forms)
{
	char text[4];

	for (uint32_t c = 0; c < 0x80; c++) {
		text[0] = (char)(0xc0 | c >> 6);
		text[1] = (char)(0x80 | (c & 0x3f));
		ck_assert(!valid(text, 2));
	}
	for (uint32_t c = 0; c < 0x800; c++) {
		text[0] = (char)0xe0;
		text[1] = (char)(0x80 | c >> 6);
		text[2] = (char)(0x80 | (c & 0x3f));
		ck_assert(!valid(text, 3));
	}
	for (uint32_t c = 0; c < 0x10000; c++) {
		text[0] = (char)0xf0;
		text[1] = (char)(0x80 | c >> 12);
		text[2] = (char)(0x80 | (c >> 6 & 0x3f));
		text[3] = (char)(0x80 | (c & 0x3f));
		ck_assert(!valid(text, 4));
	}
}
END_TEST

START_TEST(refuses_what_ends_within_a_character)
{
	ck_assert(!valid("\xc3", 1));
	ck_assert(!valid("\xe2\x82", 2));
	ck_assert(!valid("\xf0\x9f\x98", 3));
	ck_assert(!valid("abcdefgh\xf0\x9f\x98", 11));
}
END_TEST

START_TEST(refuses_other_bytes_where_a_character_goes_on)
{
	ck_assert(!valid("\xc3" "a", 2));
	ck_assert(!valid("\xe2\x82" "abcdefghij", 12));
	ck_assert(!valid("\xe2\x82\xc3\xa4", 4));
	ck_assert(!valid("\x80", 1));
	ck_assert(!valid("abcdefgh\xbf", 9));
	ck_assert(!valid("\xfe\xff", 2));
}
END_TEST

START_TEST(knows_at_once_what_cannot_become_a_character)
{
	struct utf8 state = { 0 };

	ck_assert(utf8_feed(&state, SLICE("abc\xf4")));
	ck_assert(!utf8_complete(&state));
	ck_assert(!utf8_feed(&state, SLICE("\x90")));
}
END_TEST

START_TEST(finds_the_end_of_ascii_at_any_place)
{
	char text[40];

	for (size_t size = 2; size <= sizeof(text); size++) {
		for (size_t at = 0; at + 1 < size; at++) {
			memset(text, 'a', sizeof(text));
			memcpy(text + at, "\xc3\xa4", 2);
			ck_assert(valid(text, size));
			text[at + 1] = 'a';
			ck_assert(!valid(text, size));
		}
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("utf8");
	TCase *tcase = tcase_create("utf8");

	tcase_add_test(tcase, takes_every_character_but_surrogates);
	tcase_add_test(tcase, refuses_overlong_forms);
	tcase_add_test(tcase, refuses_what_ends_within_a_character);
	tcase_add_test(tcase, refuses_other_bytes_where_a_character_goes_on);
	tcase_add_test(tcase, knows_at_once_what_cannot_become_a_character);
	tcase_add_test(tcase, finds_the_end_of_ascii_at_any_place);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
