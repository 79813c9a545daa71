/* SPDX-License-Identifier: MIT */
/* The tables, byte by byte against the grammars as the RFCs write them. */
#include "http/chars.h"

#include <string.h>

#include "unit.h"

#define ALPHA "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGIT "0123456789"
#define UNRESERVED ALPHA DIGIT "-._~"
#define SUB_DELIMS "!$&'()*+,;="

static bool is_in(int c, const char *set)
{
	return c != 0 && strchr(set, c) != NULL;
}

START_TEST(knows_tokens)
{
	for (int c = 0; c < 256; c++) {
		bool token = is_in(c, ALPHA DIGIT "!#$%&'*+-.^_`|~");
		bool upper = c >= 'A' && c <= 'Z';

		ck_assert_int_eq(char_token_lower((char)c),
		    token ? upper ? c + 32 : c : 0);
	}
}
END_TEST

START_TEST(knows_what_text_is)
{
	for (int c = 0; c < 256; c++) {
		bool text = c == '\t' || (c >= ' ' && c != 0x7f);

		ck_assert_int_eq(char_is((char)c, CHAR_TEXT), text);
		ck_assert_int_eq(char_is((char)c, CHAR_VISIBLE), c > ' ' && c < 0x7f);
		ck_assert_int_eq(char_is_blank((char)c), c == ' ' || c == '\t');
	}
}
END_TEST

START_TEST(knows_the_parts_of_a_url)
{
	for (int c = 0; c < 256; c++) {
		ck_assert_int_eq(char_is((char)c, CHAR_HOST),
		    is_in(c, UNRESERVED SUB_DELIMS));
		ck_assert_int_eq(char_is((char)c, CHAR_PATH),
		    is_in(c, UNRESERVED SUB_DELIMS ":@/"));
	}
}
END_TEST

START_TEST(knows_hexadecimal_digits)
{
	static const char lower[] = "0123456789abcdef";
	static const char upper[] = "0123456789ABCDEF";

	for (int c = 0; c < 256; c++) {
		ck_assert_int_eq(char_is((char)c, CHAR_HEX),
		    is_in(c, lower) || is_in(c, upper));
	}
	for (int i = 0; i < 16; i++) {
		ck_assert_int_eq(char_hex_value(lower[i]), i);
		ck_assert_int_eq(char_hex_value(upper[i]), i);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("chars");
	TCase *tables = tcase_create("tables");

	tcase_add_test(tables, knows_tokens);
	tcase_add_test(tables, knows_what_text_is);
	tcase_add_test(tables, knows_the_parts_of_a_url);
	tcase_add_test(tables, knows_hexadecimal_digits);
	suite_add_tcase(suite, tables);
	return unit_run(suite);
}
