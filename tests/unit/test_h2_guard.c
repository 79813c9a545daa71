/* SPDX-License-Identifier: MIT */
/* Allowances: what a busy client may do, and what an attack may not. */
#include "worker/h2_guard.h"

#include "unit.h"

#define START_MS 5000

static struct h2_guard guard;

static void setup(void)
{
	h2_guard_init(&guard, START_MS);
}

static const char *frame(int type, uint32_t size, int flags, int64_t now_ms)
{
	const struct h2_frame it = { .type = (uint8_t)type, .size = size,
		.flags = (uint8_t)flags, .stream = 1 };

	return h2_guard_frame(&guard, &it, now_ms);
}

/* How many of them are taken at that moment, up to most. */
static int taken(int type, uint32_t size, int flags, int64_t now_ms, int most)
{
	int count = 0;

	while (count < most && frame(type, size, flags, now_ms) == NULL) {
		count++;
	}
	return count;
}

START_TEST(ends_a_flood_of_any_frame_that_asks_for_nothing)
{
	static const struct { int type; uint32_t size; } floods[] = {
		{ H2_PING, 8 }, { H2_SETTINGS, 6 }, { H2_SETTINGS, 0 },
		{ H2_PRIORITY, 5 }, { H2_PRIORITY_UPDATE, 10 },
		{ H2_WINDOW_UPDATE, 4 }, { H2_DATA, 0 },
		{ H2_HEADERS, 0 }, { H2_CONTINUATION, 0 }, { H2_GOAWAY, 8 }, { 99, 1000 }
	};

	for (size_t i = 0; i < sizeof(floods) / sizeof(floods[0]); i++) {
		setup();
		ck_assert_int_eq(
		    taken(floods[i].type, floods[i].size, 0, START_MS, 5000), 1000);
		ck_assert_str_eq(frame(floods[i].type, floods[i].size, 0, START_MS),
		    "sent too many frames that ask for nothing");
	}
}
END_TEST

START_TEST(takes_as_many_settings_at_once_as_the_library)
{
	ck_assert_ptr_null(frame(H2_SETTINGS, 32 * 6, 0, START_MS));
	ck_assert_str_eq(frame(H2_SETTINGS, 33 * 6, 0, START_MS),
	    "sent too many settings at once");
}
END_TEST

START_TEST(charges_nothing_for_requests)
{
	ck_assert_int_eq(taken(H2_HEADERS, 20, H2_END_HEADERS, START_MS, 5000), 5000);
	ck_assert_int_eq(taken(H2_HEADERS, 0, H2_END_HEADERS, START_MS, 5000), 5000);
	ck_assert_int_eq(taken(H2_CONTINUATION, 1, 0, START_MS, 5000), 5000);
	ck_assert_int_eq(taken(H2_DATA, 1, 0, START_MS, 5000), 5000);
	ck_assert_int_eq(taken(H2_DATA, 0, H2_END_STREAM, START_MS, 5000), 5000);
}
END_TEST

START_TEST(ends_rapid_reset)
{
	ck_assert_int_eq(taken(H2_RST_STREAM, 4, 0, START_MS, 5000), 200);
	ck_assert_str_eq(frame(H2_RST_STREAM, 4, 0, START_MS),
	    "had too many streams reset");
}
END_TEST

START_TEST(counts_resets_by_fault_as_the_clients_own)
{
	ck_assert_int_eq(taken(H2_RST_STREAM, 4, 0, START_MS, 150), 150);
	for (int i = 0; i < 50; i++) {
		ck_assert_ptr_null(
		    h2_guard_charge(&guard, H2_CHARGE_RESET, START_MS));
	}
	ck_assert_ptr_nonnull(h2_guard_charge(&guard, H2_CHARGE_RESET, START_MS));
}
END_TEST

START_TEST(lets_a_client_reset_as_often_as_it_is_answered)
{
	for (int i = 0; i < 10000; i++) {
		ck_assert_ptr_null(frame(H2_RST_STREAM, 4, 0, START_MS));
		h2_guard_answered(&guard);
	}
}
END_TEST

START_TEST(lets_a_client_acknowledge_what_it_gets)
{
	for (int i = 0; i < 10000; i++) {
		h2_guard_sent(&guard, 4096);
		ck_assert_int_eq(taken(H2_WINDOW_UPDATE, 4, 0, START_MS, 2), 2);
	}
}
END_TEST

/* The window opened by a byte at a time is an attack, not an acknowledgement. */
START_TEST(gives_little_for_little)
{
	int count = 0;

	while (frame(H2_WINDOW_UPDATE, 4, 0, START_MS) == NULL) {
		h2_guard_sent(&guard, 1);
		count++;
		ck_assert_int_lt(count, 2000);
	}
	ck_assert_int_eq(count, 1000);
}
END_TEST

START_TEST(grows_with_time_and_not_past_the_start)
{
	ck_assert_int_eq(taken(H2_RST_STREAM, 4, 0, START_MS, 5000), 200);
	ck_assert_int_eq(taken(H2_RST_STREAM, 4, 0, START_MS + 999, 5000), 0);
	ck_assert_int_eq(taken(H2_RST_STREAM, 4, 0, START_MS + 1000, 5000), 20);
	ck_assert_int_eq(taken(H2_RST_STREAM, 4, 0, START_MS + 2999, 5000), 20);
	ck_assert_int_eq(taken(H2_RST_STREAM, 4, 0, START_MS + 3000, 5000), 20);
	ck_assert_int_eq(taken(H2_RST_STREAM, 4, 0, INT64_MAX, 5000), 200);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("h2_guard");
	TCase *all = tcase_create("allowances");

	tcase_add_checked_fixture(all, setup, NULL);
	tcase_add_test(all, ends_a_flood_of_any_frame_that_asks_for_nothing);
	tcase_add_test(all, takes_as_many_settings_at_once_as_the_library);
	tcase_add_test(all, charges_nothing_for_requests);
	tcase_add_test(all, ends_rapid_reset);
	tcase_add_test(all, counts_resets_by_fault_as_the_clients_own);
	tcase_add_test(all, lets_a_client_reset_as_often_as_it_is_answered);
	tcase_add_test(all, lets_a_client_acknowledge_what_it_gets);
	tcase_add_test(all, gives_little_for_little);
	tcase_add_test(all, grows_with_time_and_not_past_the_start);
	suite_add_tcase(suite, all);
	return unit_run(suite);
}
