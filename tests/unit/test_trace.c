/* SPDX-License-Identifier: MIT */
/* The trace of a request: which traceparent counts, and what is made of it. */
#include "http/trace.h"

#include <string.h>

#include "unit.h"

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"
#define ID "00000000deadbeef"

static struct arena arena;
static struct head head;
static struct trace trace;

static void setup(void)
{
	arena_init(&arena, 1 << 20);
	head_init(&head, &arena, 65536, 100);
}

static void teardown(void)
{
	arena_release(&arena);
}

static void have(const char *name, const char *value)
{
	ck_assert_int_eq(head_add(&head, slice_of(name), slice_of(value)), 0);
}

START_TEST(goes_on_with_a_trace_as_a_part_of_its_own)
{
	have("traceparent", "00-" TRACE "-" SPAN "-01");
	ck_assert(trace_is_given(&head));
	trace_of(&head, ID, &trace);
	ck_assert_str_eq(trace.id, TRACE);
	ck_assert_str_eq(trace.parent, "00-" TRACE "-" ID "-01");
}
END_TEST

START_TEST(begins_one_where_there_is_none)
{
	struct trace other;

	ck_assert(!trace_is_given(&head));
	trace_of(&head, ID, &trace);
	ck_assert_uint_eq(strlen(trace.id), 32);
	ck_assert_uint_eq(strspn(trace.id, "0123456789abcdef"), 32);
	ck_assert_mem_eq(trace.parent, "00-", 3);
	ck_assert_mem_eq(trace.parent + 3, trace.id, 32);
	ck_assert_str_eq(trace.parent + 35, "-" ID "-00");
	trace_of(&head, "00000000deadbee0", &other);
	ck_assert_str_ne(trace.id, other.id);
	trace_of(&head, ID, &other);
	ck_assert_str_eq(trace.parent, other.parent);
}
END_TEST

START_TEST(what_it_makes_is_valid)
{
	static const char *const ids[] = { ID, "check", "", "0000000000000000",
		"ABCDEF0123456789", "0123456789abcdef0" };

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		trace_of(&head, ids[i], &trace);
		head_init(&head, &arena, 65536, 100);
		have("traceparent", trace.parent);
		ck_assert_msg(trace_is_given(&head), "%s", trace.parent);
		head_init(&head, &arena, 65536, 100);
	}
}
END_TEST

START_TEST(of_the_flags_only_sampled_goes_on)
{
	static const char *const flags[][2] = { { "00", "00" }, { "01", "01" },
		{ "02", "00" }, { "03", "01" }, { "fe", "00" }, { "ff", "01" } };

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		char value[] = "00-" TRACE "-" SPAN "-00";

		memcpy(value + 53, flags[i][0], 2);
		head_init(&head, &arena, 65536, 100);
		have("traceparent", value);
		trace_of(&head, ID, &trace);
		ck_assert_str_eq(trace.id, TRACE);
		ck_assert_str_eq(trace.parent + 53, flags[i][1]);
	}
}
END_TEST

START_TEST(a_later_version_is_read_as_far_as_it_is_known)
{
	static const char *const good[] = { "01-" TRACE "-" SPAN "-01",
		"cc-" TRACE "-" SPAN "-01-what-the-future-will-be-like",
		"fe-" TRACE "-" SPAN "-01-" };
	static const char *const bad[] = { "cc-" TRACE "-" SPAN "-01.what",
		"cc-" TRACE "-" SPAN "-010", "ff-" TRACE "-" SPAN "-01",
		"00-" TRACE "-" SPAN "-01-", "00-" TRACE "-" SPAN "-01-more" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		head_init(&head, &arena, 65536, 100);
		have("traceparent", good[i]);
		trace_of(&head, ID, &trace);
		ck_assert_str_eq(trace.parent, "00-" TRACE "-" ID "-01");
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		head_init(&head, &arena, 65536, 100);
		have("traceparent", bad[i]);
		ck_assert_msg(!trace_is_given(&head), "%s", bad[i]);
	}
}
END_TEST

START_TEST(what_is_not_valid_is_as_if_it_were_not_there)
{
	static const char *const bad[] = { "", "00", "00-" TRACE "-" SPAN,
		"00-" TRACE "-" SPAN "-", "00-" TRACE "-" SPAN "-0",
		"00-" TRACE "-" SPAN "-0x", "00-" TRACE "-" SPAN "-0A",
		"00-00000000000000000000000000000000-" SPAN "-01",
		"00-" TRACE "-0000000000000000-01",
		"00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01",
		"00-" TRACE "-00F067AA0BA902B7-01", "0-" TRACE "-" SPAN "-01",
		"0x-" TRACE "-" SPAN "-01", "000" TRACE "-" SPAN "-01",
		"00-" TRACE "0" SPAN "-01", "00-" TRACE "-" SPAN "001",
		"00-4bf92f3577b34da6a3ce929d0e0e473-0" SPAN "-01",
		"00-" TRACE "-" SPAN "-01,00-" TRACE "-" SPAN "-01",
		"\xff\xff-" TRACE "-" SPAN "-01" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		head_init(&head, &arena, 65536, 100);
		have("traceparent", bad[i]);
		ck_assert_msg(!trace_is_given(&head), "%s", bad[i]);
		trace_of(&head, ID, &trace);
		ck_assert_str_ne(trace.id, TRACE);
	}
}
END_TEST

START_TEST(two_of_them_are_none)
{
	have("traceparent", "00-" TRACE "-" SPAN "-01");
	have("traceparent", "00-" TRACE "-" SPAN "-01");
	ck_assert(!trace_is_given(&head));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("trace");
	TCase *tcase = tcase_create("trace");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, goes_on_with_a_trace_as_a_part_of_its_own);
	tcase_add_test(tcase, begins_one_where_there_is_none);
	tcase_add_test(tcase, what_it_makes_is_valid);
	tcase_add_test(tcase, of_the_flags_only_sampled_goes_on);
	tcase_add_test(tcase, a_later_version_is_read_as_far_as_it_is_known);
	tcase_add_test(tcase, what_is_not_valid_is_as_if_it_were_not_there);
	tcase_add_test(tcase, two_of_them_are_none);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
