/* SPDX-License-Identifier: MIT */
/*
 * What headers mean, on requests put together by hand. The rules' many cases are in
 * tests/http1; here is what those cannot see: that nothing is half done.
 */
#include "http/request_head.h"

#include "unit.h"

static struct arena arena;
static struct request request;
static const char *reason;

static void begin(void)
{
	request_init(&request, &arena, 1000, 20);
	request.method_id = HTTP_GET;
	request.target = SLICE("/a?b");
}

static void setup(void)
{
	arena_init(&arena, 1 << 20);
	begin();
}

static void teardown(void)
{
	arena_release(&arena);
}

static void add(const char *name, const char *value)
{
	ck_assert_int_eq(head_add(&request.head, slice_of(name), slice_of(value)), 0);
}

START_TEST(fills_a_request_in)
{
	add("Host", "h:1");
	ck_assert_int_eq(request_head_judge(&request, &reason), 0);
	ck_assert_str_eq(request.path.data, "/a");
	ck_assert_str_eq(request.query.data, "b");
	ck_assert_str_eq(request.authority.data, "h:1");
	ck_assert(request.keep_alive && !request.has_body);
	ck_assert_int_eq(request.content_length, -1);
}
END_TEST

START_TEST(tells_a_length_from_chunks)
{
	add("Host", "h");
	add("Content-Length", "7");
	ck_assert_int_eq(request_head_judge(&request, &reason), 0);
	ck_assert(request.has_body);
	ck_assert_int_eq(request.content_length, 7);
	begin();
	add("Host", "h");
	add("Transfer-Encoding", "chunked");
	ck_assert_int_eq(request_head_judge(&request, &reason), 0);
	ck_assert(request.has_body);
	ck_assert_int_eq(request.content_length, -1);
}
END_TEST

START_TEST(takes_the_largest_length_and_no_larger)
{
	add("Host", "h");
	add("Content-Length", "9223372036854775807");
	ck_assert_int_eq(request_head_judge(&request, &reason), 0);
	ck_assert_int_eq(request.content_length, INT64_MAX);
	begin();
	add("Content-Length", "9223372036854775808");
	ck_assert_int_eq(request_head_judge(&request, &reason), 413);
}
END_TEST

START_TEST(says_why_it_refuses)
{
	add("Host", "h");
	add("Range", "a");
	add("Range", "a");
	ck_assert_int_eq(request_head_judge(&request, &reason), 400);
	ck_assert_str_eq(reason, "more than one range field");
	ck_assert(!request.keep_alive);
}
END_TEST

START_TEST(terminates_the_authority_of_a_target)
{
	request.target = SLICE("http://b:81/c");
	add("Host", "a");
	ck_assert_int_eq(request_head_judge(&request, &reason), 0);
	ck_assert_str_eq(request.authority.data, "b:81");
	ck_assert_str_eq(request.path.data, "/c");
}
END_TEST

START_TEST(answers_503_when_memory_ends)
{
	struct arena small;

	add("Host", "a");
	arena_init(&small, 0);
	request.head.arena = &small;
	ck_assert_int_eq(request_head_judge(&request, &reason), 503);
	request.target = SLICE("http://b/");
	ck_assert_int_eq(request_head_judge(&request, &reason), 503);
}
END_TEST

START_TEST(knows_what_a_trailer_must_not_have)
{
	ck_assert(request_head_trailer_allowed(SLICE("x-sum")));
	ck_assert(request_head_trailer_allowed(SLICE("content-digest")));
	ck_assert(!request_head_trailer_allowed(SLICE("content-length")));
	ck_assert(!request_head_trailer_allowed(SLICE("transfer-encoding")));
	ck_assert(!request_head_trailer_allowed(SLICE("host")));
	ck_assert(!request_head_trailer_allowed(SLICE("authorization")));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("request_head");
	TCase *all = tcase_create("headers");

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, fills_a_request_in);
	tcase_add_test(all, tells_a_length_from_chunks);
	tcase_add_test(all, takes_the_largest_length_and_no_larger);
	tcase_add_test(all, says_why_it_refuses);
	tcase_add_test(all, terminates_the_authority_of_a_target);
	tcase_add_test(all, answers_503_when_memory_ends);
	tcase_add_test(all, knows_what_a_trailer_must_not_have);
	suite_add_tcase(suite, all);
	return unit_run(suite);
}
