/* SPDX-License-Identifier: MIT */
#include "config/locate.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"

static void assert_place(const struct place *place, uint32_t line, const char *text,
    const char *value, uint32_t next)
{
	ck_assert_uint_eq(place->line, line);
	ck_assert_uint_eq(place->size, strlen(value));
	ck_assert_int_eq(strncmp(text + place->start, value, place->size), 0);
	ck_assert_uint_eq(place->next, next);
}

START_TEST(places_are_in_document_order)
{
	static const char
	    text[] = "\n{ \"a\": [1, {}],\n\"b\"\n: \"x\" ,\r\n \"c\": true }\n";
	struct place *places = locate_values(text, strlen(text));

	ck_assert_uint_eq(places[0].line, 2);
	ck_assert_uint_eq(places[0].next, 6);
	assert_place(&places[1], 2, text, "[1, {}]", 4);
	assert_place(&places[2], 2, text, "1", 3);
	assert_place(&places[3], 2, text, "{}", 4);
	assert_place(&places[4], 3, text, "\"x\"", 5);
	assert_place(&places[5], 5, text, "true", 6);
	free(places);
}
END_TEST

START_TEST(strings_may_hold_anything)
{
	static const char text[] = "[\"]}{[,:\\\"\\\\\", \"\\\\\", \"\", -1.5e+3, null]";
	struct place *places = locate_values(text, strlen(text));

	assert_place(&places[1], 1, text, "\"]}{[,:\\\"\\\\\"", 2);
	assert_place(&places[2], 1, text, "\"\\\\\"", 3);
	assert_place(&places[3], 1, text, "\"\"", 4);
	assert_place(&places[4], 1, text, "-1.5e+3", 5);
	assert_place(&places[5], 1, text, "null", 6);
	ck_assert_uint_eq(places[0].next, 6);
	free(places);
}
END_TEST

START_TEST(elements_have_lines_of_their_own)
{
	static const char text[] = "[\n\n1,\n[\n2\n]\n,3]";
	struct place *places = locate_values(text, strlen(text));

	assert_place(&places[1], 3, text, "1", 2);
	assert_place(&places[2], 4, text, "[\n2\n]", 4);
	assert_place(&places[3], 5, text, "2", 4);
	assert_place(&places[4], 7, text, "3", 5);
	free(places);
}
END_TEST

START_TEST(a_lone_value_has_a_place)
{
	struct place *places = locate_values(" 42 ", 4);

	assert_place(&places[0], 1, " 42 ", "42", 1);
	free(places);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("locate");
	TCase *tcase = tcase_create("locate");

	tcase_add_test(tcase, places_are_in_document_order);
	tcase_add_test(tcase, strings_may_hold_anything);
	tcase_add_test(tcase, elements_have_lines_of_their_own);
	tcase_add_test(tcase, a_lone_value_has_a_place);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
