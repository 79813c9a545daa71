/* SPDX-License-Identifier: MIT */
/* Warnings that certificates are about to expire: when, and in which words. */
#include "master/expiry.h"

#include <string.h>

#include "unit.h"

#define DAY_S (24 * 60 * 60)
#define LATER_S INT64_C(1800000000)	/* 2027-01-15 08:00 UTC */

static struct problems problems;

static void set_up(void)
{
	problems_init(&problems);
}

static void tear_down(void)
{
	problems_release(&problems);
}

/* What is said of one that lives for so many days, so many seconds before its end; "" if
 * nothing. */
static const char *said(int64_t life_days, int64_t left_s)
{
	struct config_certificate certificate = { .where = "here", .chain = "a.crt",
		.shown = { .pem = "", .begins_s = LATER_S - life_days * DAY_S,
		    .ends_s = LATER_S } };
	struct config config = { .certificates = &certificate, .certificate_count = 1 };

	problems_release(&problems);
	expiry_warn(&config, LATER_S - left_s, &problems);
	ck_assert_uint_eq(problems.errors, 0);
	ck_assert_uint_le(problems.count, 1);
	return problems.count == 0 ? "" : problems.items[0].what;
}

START_TEST(each_step_has_its_own_words)
{
	ck_assert_str_eq(said(90, 30 * DAY_S), "");
	ck_assert_str_eq(said(90, 30 * DAY_S - 1), "the certificate 'a.crt' expires in "
	    "less than 30 days, on 2027-01-15 08:00 UTC");
	ck_assert_ptr_nonnull(strstr(said(90, 14 * DAY_S), "less than 30 days"));
	ck_assert_ptr_nonnull(strstr(said(90, 14 * DAY_S - 1), "less than 14 days"));
	ck_assert_ptr_nonnull(strstr(said(90, 7 * DAY_S - 1), "less than 7 days"));
	ck_assert_ptr_nonnull(strstr(said(90, 3 * DAY_S - 1), "less than 3 days"));
	ck_assert_ptr_nonnull(strstr(said(90, 1 * DAY_S - 1), "less than 1 day,"));
	ck_assert_ptr_nonnull(strstr(said(90, 1), "less than 1 day,"));
}
END_TEST

START_TEST(what_is_over_is_told_with_its_date)
{
	ck_assert_str_eq(said(90, 0),
	    "the certificate 'a.crt' has expired, on 2027-01-15 08:00 UTC");
	ck_assert_ptr_nonnull(strstr(said(90, -DAY_S), "has expired"));
}
END_TEST

START_TEST(what_has_not_begun_is_told)
{
	ck_assert_str_eq(said(1, 2 * DAY_S),
	    "the certificate 'a.crt' is not valid before 2027-01-14 08:00 UTC");
}
END_TEST

START_TEST(a_short_life_is_told_in_its_last_third)
{
	ck_assert_str_eq(said(89, 29 * DAY_S), "");
	ck_assert_str_eq(said(6, 5 * DAY_S), "");
	ck_assert_str_eq(said(6, 2 * DAY_S), "");
	ck_assert_ptr_nonnull(strstr(said(6, DAY_S - 1), "less than 1 day,"));
	ck_assert_str_eq(said(1, 60), "");
}
END_TEST

START_TEST(what_is_not_shown_is_not_told)
{
	struct config_certificate certificate = { .where = "here", .chain = "a.crt" };
	struct config config = { .certificates = &certificate, .certificate_count = 1 };

	expiry_warn(&config, LATER_S, &problems);
	ck_assert_uint_eq(problems.count, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("expiry");
	TCase *tcase = tcase_create("expiry");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, each_step_has_its_own_words);
	tcase_add_test(tcase, what_is_over_is_told_with_its_date);
	tcase_add_test(tcase, what_has_not_begun_is_told);
	tcase_add_test(tcase, a_short_life_is_told_in_its_last_third);
	tcase_add_test(tcase, what_is_not_shown_is_not_told);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
