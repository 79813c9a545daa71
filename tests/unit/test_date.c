/* SPDX-License-Identifier: MIT */
/* HTTP dates, against the C library's over all the years they cover. */
#include "http/date.h"

#include <time.h>

#include "unit.h"

static void check_date(int64_t seconds, const char *expected)
{
	char text[HTTP_DATE_BYTES];

	http_date(seconds, text);
	ck_assert_str_eq(text, expected);
}

START_TEST(writes_the_example_of_the_rfc)
{
	check_date(784111777, "Sun, 06 Nov 1994 08:49:37 GMT");
}
END_TEST

START_TEST(writes_the_first_and_the_last_second)
{
	check_date(0, "Thu, 01 Jan 1970 00:00:00 GMT");
	check_date(INT64_C(253402300799), "Fri, 31 Dec 9999 23:59:59 GMT");
}
END_TEST

START_TEST(stays_within_its_years)
{
	check_date(-1, "Thu, 01 Jan 1970 00:00:00 GMT");
	check_date(INT64_MIN, "Thu, 01 Jan 1970 00:00:00 GMT");
	check_date(INT64_MAX, "Fri, 31 Dec 9999 23:59:59 GMT");
}
END_TEST

START_TEST(knows_leap_days)
{
	check_date(951782400, "Tue, 29 Feb 2000 00:00:00 GMT");
	check_date(1709164800, "Thu, 29 Feb 2024 00:00:00 GMT");
	check_date(4107542400, "Mon, 01 Mar 2100 00:00:00 GMT");
}
END_TEST

START_TEST(agrees_with_the_c_library_in_every_month)
{
	for (int64_t day = 0; day < 2932897; day += 11) {
		time_t seconds = (time_t)(day * 86400 + day % 86400);
		char expected[HTTP_DATE_BYTES];
		struct tm parts;

		gmtime_r(&seconds, &parts);
		strftime(expected, sizeof(expected), "%a, %d %b %Y %H:%M:%S GMT", &parts);
		check_date(seconds, expected);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("date");
	TCase *dates = tcase_create("dates");

	tcase_add_test(dates, writes_the_example_of_the_rfc);
	tcase_add_test(dates, writes_the_first_and_the_last_second);
	tcase_add_test(dates, stays_within_its_years);
	tcase_add_test(dates, knows_leap_days);
	tcase_add_test(dates, agrees_with_the_c_library_in_every_month);
	suite_add_tcase(suite, dates);
	return unit_run(suite);
}
