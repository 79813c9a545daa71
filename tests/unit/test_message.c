/* SPDX-License-Identifier: MIT */
/* Requests and replies as they start, and what is known of methods and status codes. */
#include "http/message.h"

#include "unit.h"

START_TEST(starts_a_request_with_texts_that_are_empty)
{
	struct request request;
	struct arena arena;

	arena_init(&arena, 1 << 16);
	request_init(&request, &arena, 100, 10);
	ck_assert_str_eq(request.method.data, "");
	ck_assert_str_eq(request.target.data, "");
	ck_assert_str_eq(request.authority.data, "");
	ck_assert_str_eq(request.path.data, "");
	ck_assert_str_eq(request.query.data, "");
	ck_assert_int_eq(request.method_id, HTTP_OTHER);
	ck_assert_int_eq(request.content_length, -1);
	ck_assert(!request.has_body && !request.expect_continue && !request.keep_alive);
	ck_assert_uint_eq(request.head.max_bytes, 100);
	ck_assert_uint_eq(request.trailer.max_fields, 10);
	ck_assert_uint_eq(arena.used, 0);
}
END_TEST

START_TEST(starts_a_reply_without_a_length)
{
	struct reply reply;
	struct arena arena;

	arena_init(&arena, 1 << 16);
	reply_init(&reply, &arena);
	ck_assert_int_eq(reply.status, 0);
	ck_assert_int_eq(reply.content_length, -1);
	ck_assert_uint_eq(reply.head.count + reply.trailer.count, 0);
}
END_TEST

START_TEST(finds_every_method_by_its_name)
{
	for (enum http_method id = HTTP_GET; id <= HTTP_PATCH; id <<= 1) {
		const char *name = http_method_name(id);

		ck_assert_str_ne(name, "");
		ck_assert_int_eq(http_method_of(slice_of(name)), id);
	}
	ck_assert_int_eq(http_method_of(SLICE("get")), HTTP_OTHER);
	ck_assert_int_eq(http_method_of(SLICE("GE")), HTTP_OTHER);
	ck_assert_int_eq(http_method_of(SLICE("")), HTTP_OTHER);
}
END_TEST

START_TEST(names_the_lowest_method_of_a_mask)
{
	ck_assert_str_eq(http_method_name(HTTP_PUT | HTTP_HEAD), "HEAD");
	ck_assert_str_eq(http_method_name(HTTP_OTHER), "");
}
END_TEST

START_TEST(knows_phrases)
{
	ck_assert_str_eq(http_status_phrase(200), "OK");
	ck_assert_str_eq(http_status_phrase(404), "Not Found");
	ck_assert_str_eq(http_status_phrase(511), "Network Authentication Required");
	ck_assert_str_eq(http_status_phrase(299), "");
	ck_assert_str_eq(http_status_phrase(999), "");
	ck_assert_str_eq(http_status_phrase(-1), "");
}
END_TEST

START_TEST(knows_which_replies_have_a_body)
{
	ck_assert(http_reply_has_body(HTTP_GET, 200));
	ck_assert(http_reply_has_body(HTTP_OTHER, 404));
	ck_assert(http_reply_has_body(HTTP_CONNECT, 405));
	ck_assert(!http_reply_has_body(HTTP_HEAD, 200));
	ck_assert(!http_reply_has_body(HTTP_CONNECT, 200));
	ck_assert(!http_reply_has_body(HTTP_GET, 100));
	ck_assert(!http_reply_has_body(HTTP_GET, 204));
	ck_assert(!http_reply_has_body(HTTP_GET, 205));
	ck_assert(!http_reply_has_body(HTTP_GET, 304));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("message");
	TCase *all = tcase_create("messages");

	tcase_add_test(all, starts_a_request_with_texts_that_are_empty);
	tcase_add_test(all, starts_a_reply_without_a_length);
	tcase_add_test(all, finds_every_method_by_its_name);
	tcase_add_test(all, names_the_lowest_method_of_a_mask);
	tcase_add_test(all, knows_phrases);
	tcase_add_test(all, knows_which_replies_have_a_body);
	suite_add_tcase(suite, all);
	return unit_run(suite);
}
