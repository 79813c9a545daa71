/* SPDX-License-Identifier: MIT */
#include "route/pattern.h"

#include <string.h>

#include "unit.h"

START_TEST(accepts_what_can_be_matched)
{
	static const char *const good[] = {
		"/", "/*", "/a", "/a/", "/a/*", "/{x}", "/{x}/", "/{x}/*", "/...", "/a b",
		"/a/{b-1}/{C_2}/d", "/gr\xc3\xbcn", "/a:b@c;d=e",
		"/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}/{j}/{k}/{l}/{m}/{n}/{o}/{p}",
	};
	const char *what;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ck_assert_msg(pattern_check(good[i], &what) == 0, "%s %s", good[i], what);
	}
}
END_TEST

START_TEST(says_what_is_wrong)
{
	static const char *const bad[][2] = {
		{ "", "with '/'" },
		{ "a", "with '/'" },
		{ "*", "with '/'" },
		{ "/%41", "'%'" },
		{ "/a?b", "'?'" },
		{ "/a#b", "'#'" },
		{ "/a\n", "control" },
		{ "/a\x7f", "control" },
		{ "//", "'//'" },
		{ "/a//b", "'//'" },
		{ "/.", "'..'" },
		{ "/a/../b", "'..'" },
		{ "/a/./", "'..'" },
		{ "/a*", "'*'" },
		{ "/**", "'*'" },
		{ "/*/", "'*'" },
		{ "/*/a", "'*'" },
		{ "/a{b}", "whole segment" },
		{ "/{b}a", "whole segment" },
		{ "/{", "whole segment" },
		{ "/}", "whole segment" },
		{ "/a}", "whole segment" },
		{ "/{}", "empty name" },
		{ "/{a b}", "letters" },
		{ "/{a{b}}", "letters" },
		{ "/{*}", "'*'" },
		{ "/{a}/{a}", "two segments" },
		{ "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}/{j}/{k}/{l}/{m}/{n}/{o}/{p}/{q}",
		    "16" },
	};
	const char *what;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_int_eq(pattern_check(bad[i][0], &what), ERR_INVALID);
		ck_assert_msg(strstr(what, bad[i][1]) != NULL, "%s %s", bad[i][0], what);
	}
}
END_TEST

START_TEST(segments_are_behind_slashes)
{
	struct slice rest = SLICE("/a//{b}/");
	struct slice segment;

	ck_assert(pattern_next(&rest, &segment));
	ck_assert(slice_equal(segment, SLICE("a")));
	ck_assert(pattern_next(&rest, &segment));
	ck_assert(slice_equal(segment, SLICE("")));
	ck_assert(pattern_next(&rest, &segment));
	ck_assert_int_eq(pattern_kind(segment), SEGMENT_NAME);
	ck_assert(slice_equal(pattern_name(segment), SLICE("b")));
	ck_assert(pattern_next(&rest, &segment));
	ck_assert_uint_eq(segment.size, 0);
	ck_assert(!pattern_next(&rest, &segment));
}
END_TEST

START_TEST(order_is_that_of_matching)
{
	static const char *const ordered[] = {
		"/",
		"/a",
		"/a/",
		"/a/b",
		"/a/{x}",
		"/a/{x}/c",
		"/a/*",
		"/aa",
		"/b",
		"/{x}",
		"/{x}/a",
		"/{x}/{y}",
		"/{x}/*",
		"/*",
	};
	size_t count = sizeof(ordered) / sizeof(ordered[0]);

	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < count; j++) {
			int order = pattern_compare(ordered[i], ordered[j]);

			ck_assert_msg((order > 0) - (order < 0) == (i > j) - (i < j),
			    "%s and %s", ordered[i], ordered[j]);
		}
	}
	ck_assert_int_eq(pattern_compare("/a/{x}/b", "/a/{y}/b"), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pattern");
	TCase *tcase = tcase_create("pattern");

	tcase_add_test(tcase, accepts_what_can_be_matched);
	tcase_add_test(tcase, says_what_is_wrong);
	tcase_add_test(tcase, segments_are_behind_slashes);
	tcase_add_test(tcase, order_is_that_of_matching);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
