/* SPDX-License-Identifier: MIT */
/* What a frame on a stream that is gone means. */
#include "http/h2_history.h"

#include "unit.h"

static struct h2_history history;

static void setup(void)
{
	history = (struct h2_history){ .newest = 0 };
}

START_TEST(tells_an_end_by_the_client_from_ours)
{
	h2_history_begin(&history, 1);
	h2_history_begin(&history, 3);
	h2_history_end(&history, 3);
	ck_assert_int_eq(h2_history_judge(&history, 1), H2_STALE_CROSSED);
	ck_assert_int_eq(h2_history_judge(&history, 3), H2_STALE_ENDED);
	h2_history_end(&history, 1);
	ck_assert_int_eq(h2_history_judge(&history, 1), H2_STALE_ENDED);
}
END_TEST

START_TEST(knows_streams_that_were_passed_over)
{
	h2_history_begin(&history, 1);
	h2_history_end(&history, 1);
	h2_history_begin(&history, 7);
	ck_assert_int_eq(h2_history_judge(&history, 1), H2_STALE_ENDED);
	ck_assert_int_eq(h2_history_judge(&history, 3), H2_STALE_NEVER);
	ck_assert_int_eq(h2_history_judge(&history, 5), H2_STALE_NEVER);
	ck_assert_int_eq(h2_history_judge(&history, 7), H2_STALE_CROSSED);
}
END_TEST

START_TEST(starts_anywhere)
{
	h2_history_begin(&history, INT32_MAX);
	ck_assert_int_eq(h2_history_judge(&history, INT32_MAX), H2_STALE_CROSSED);
	ck_assert_int_eq(h2_history_judge(&history, INT32_MAX - 2), H2_STALE_NEVER);
	ck_assert_int_eq(h2_history_judge(&history, 1), H2_STALE_CROSSED);
}
END_TEST

START_TEST(blames_nobody_for_what_it_has_forgotten)
{
	uint32_t stream = 1;

	for (int i = 0; i <= H2_HISTORY_STREAMS; i++, stream += 2) {
		h2_history_begin(&history, stream);
		h2_history_end(&history, stream);
	}
	ck_assert_int_eq(h2_history_judge(&history, 1), H2_STALE_CROSSED);
	ck_assert_int_eq(h2_history_judge(&history, 3), H2_STALE_ENDED);
	h2_history_begin(&history, stream + 2 * H2_HISTORY_STREAMS);
	ck_assert_int_eq(h2_history_judge(&history, stream - 2), H2_STALE_CROSSED);
	ck_assert_int_eq(h2_history_judge(&history, stream + 2), H2_STALE_NEVER);
}
END_TEST

START_TEST(takes_no_end_of_what_never_began)
{
	h2_history_end(&history, 9);
	h2_history_begin(&history, 9);
	ck_assert_int_eq(h2_history_judge(&history, 9), H2_STALE_CROSSED);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("h2_history");
	TCase *all = tcase_create("streams");

	tcase_add_checked_fixture(all, setup, NULL);
	tcase_add_test(all, tells_an_end_by_the_client_from_ours);
	tcase_add_test(all, knows_streams_that_were_passed_over);
	tcase_add_test(all, starts_anywhere);
	tcase_add_test(all, blames_nobody_for_what_it_has_forgotten);
	tcase_add_test(all, takes_no_end_of_what_never_began);
	suite_add_tcase(suite, all);
	return unit_run(suite);
}
