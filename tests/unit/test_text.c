/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

static const char *const words[] = { "path", "methods", "handler", "settings", "redirect",
	"idle_ms" };

static const char *nearest(const char *word)
{
	return text_nearest(word, words, sizeof(words) / sizeof(words[0]));
}

START_TEST(guesses_through_slips_of_the_finger)
{
	ck_assert_str_eq(nearest("path"), "path");
	ck_assert_str_eq(nearest("pth"), "path");
	ck_assert_str_eq(nearest("paths"), "path");
	ck_assert_str_eq(nearest("paht"), "path");
	ck_assert_str_eq(nearest("PATH"), "path");
	ck_assert_str_eq(nearest("handlre"), "handler");
	ck_assert_str_eq(nearest("setings"), "settings");
	ck_assert_str_eq(nearest("rediretc"), "redirect");
}
END_TEST

START_TEST(guesses_by_a_common_beginning)
{
	ck_assert_str_eq(nearest("idle"), "idle_ms");
	ck_assert_str_eq(nearest("handlers_of_mine"), "handler");
	ck_assert_ptr_null(nearest("re"));
}
END_TEST

START_TEST(does_not_guess_at_random)
{
	char letters[200];

	memset(letters, 'p', sizeof(letters) - 1);
	letters[sizeof(letters) - 1] = '\0';
	ck_assert_ptr_null(nearest(""));
	ck_assert_ptr_null(nearest("p"));
	ck_assert_ptr_null(nearest("qqqq"));
	ck_assert_ptr_null(nearest("listeners"));
	ck_assert_ptr_null(nearest(letters));
	ck_assert_ptr_null(text_nearest("path", words, 0));
}
END_TEST

START_TEST(the_nearest_wins_over_the_first)
{
	static const char *const levels[] = { "access", "success", "excess" };

	ck_assert_str_eq(text_nearest("exces", levels, 3), "excess");
	ck_assert_str_eq(text_nearest("succes", levels, 3), "success");
}
END_TEST

static void assert_json(struct slice text, const char *expected)
{
	struct buffer out;

	buffer_init(&out, 1000);
	ck_assert_int_eq(text_append_json(&out, text), 0);
	ck_assert_int_eq(buffer_append(&out, "", 1), 0);
	ck_assert_str_eq(out.data, expected);
	buffer_release(&out);
}

START_TEST(json_escapes_what_must_be_escaped)
{
	assert_json(SLICE(""), "");
	assert_json(SLICE("plain / text"), "plain / text");
	assert_json(SLICE("a\"b\\c"), "a\\\"b\\\\c");
	assert_json(SLICE("\b\t\n\f\r"), "\\b\\t\\n\\f\\r");
	assert_json(SLICE("\0\x1f\x7f"), "\\u0000\\u001f\\u007f");
	assert_json(SLICE("\xc2\x80\xc2\x9f\xc2\xa0"), "\\u0080\\u009f\xc2\xa0");
}
END_TEST

START_TEST(json_keeps_utf8)
{
	assert_json(SLICE("gr\xc3\xbcn \xe2\x82\xac \xf0\x9f\x98\x80"),
	    "gr\xc3\xbcn \xe2\x82\xac \xf0\x9f\x98\x80");
	assert_json(SLICE("\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf"),
	    "\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf");
}
END_TEST

#define BAD "\xef\xbf\xbd"

START_TEST(json_replaces_each_byte_that_is_not_utf8)
{
	assert_json(SLICE("a\x80z"), "a" BAD "z");
	assert_json(SLICE("\xff\xfe"), BAD BAD);
	assert_json(SLICE("\xc3"), BAD);
	assert_json(SLICE("\xe2\x82"), BAD BAD);
	assert_json(SLICE("\xe2\x82\""), BAD BAD "\\\"");
	assert_json(SLICE("\xc0\xaf"), BAD BAD);
	assert_json(SLICE("\xe0\x80\xaf"), BAD BAD BAD);
	assert_json(SLICE("\xf0\x80\x80\x80"), BAD BAD BAD BAD);
	assert_json(SLICE("\xed\xa0\x80"), BAD BAD BAD);
	assert_json(SLICE("\xf4\x90\x80\x80"), BAD BAD BAD BAD);
	assert_json(SLICE("\xf5\x80\x80\x80"), BAD BAD BAD BAD);
}
END_TEST

START_TEST(json_appends_all_or_nothing)
{
	struct buffer out;

	buffer_init(&out, 8);
	ck_assert_int_eq(buffer_append(&out, "abc", 3), 0);
	ck_assert_int_eq(text_append_json(&out, SLICE("12\n45")), ERR_LIMIT);
	ck_assert(slice_equal(buffer_slice(&out), SLICE("abc")));
	ck_assert_int_eq(text_append_json(&out, SLICE("12\n4")), 0);
	ck_assert(slice_equal(buffer_slice(&out), SLICE("abc12\\n4")));
	buffer_release(&out);
}
END_TEST

START_TEST(printable_text_is_safe_for_a_terminal)
{
	struct buffer out;

	buffer_init(&out, 100);
	ck_assert_int_eq(text_append_printable(&out, SLICE("a\x1b[0m\x7f\xc3\0 \"\\")),
	    0);
	ck_assert(
	    slice_equal(buffer_slice(&out), SLICE("a\\x1b[0m\\x7f\\xc3\\x00 \"\\")));
	buffer_release(&out);
	buffer_init(&out, 6);
	ck_assert_int_eq(text_append_printable(&out, SLICE("ab\n\n")), ERR_LIMIT);
	ck_assert_uint_eq(out.size, 0);
	buffer_release(&out);
}
END_TEST

START_TEST(puts_numbers_in_hexadecimal)
{
	static const uint64_t numbers[] = { 0, 1, UINT64_MAX,
		UINT64_C(0x0123456789abcdef), UINT64_C(0xfedcba9876543210),
		UINT64_C(0xa00000009) };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		char expected[17];
		char out[17] = "";

		snprintf(expected, sizeof(expected), "%016llx",
		    (unsigned long long)numbers[i]);
		text_put_hex(out, numbers[i]);
		ck_assert_str_eq(out, expected);
	}
}
END_TEST

START_TEST(no_text_is_the_same_as_no_text_alone)
{
	char hello[] = "hello";

	ck_assert(text_same("hello", hello));
	ck_assert(text_same(NULL, NULL));
	ck_assert(!text_same("hello", "hell"));
	ck_assert(!text_same("", NULL));
	ck_assert(!text_same(NULL, ""));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("text");
	TCase *guesses = tcase_create("guesses");
	TCase *escapes = tcase_create("escapes");
	TCase *same = tcase_create("same");

	tcase_add_test(guesses, guesses_through_slips_of_the_finger);
	tcase_add_test(guesses, guesses_by_a_common_beginning);
	tcase_add_test(guesses, does_not_guess_at_random);
	tcase_add_test(guesses, the_nearest_wins_over_the_first);
	tcase_add_test(escapes, json_escapes_what_must_be_escaped);
	tcase_add_test(escapes, json_keeps_utf8);
	tcase_add_test(escapes, json_replaces_each_byte_that_is_not_utf8);
	tcase_add_test(escapes, json_appends_all_or_nothing);
	tcase_add_test(escapes, printable_text_is_safe_for_a_terminal);
	tcase_add_test(escapes, puts_numbers_in_hexadecimal);
	tcase_add_test(same, no_text_is_the_same_as_no_text_alone);
	suite_add_tcase(suite, guesses);
	suite_add_tcase(suite, escapes);
	suite_add_tcase(suite, same);
	return unit_run(suite);
}
