/* SPDX-License-Identifier: MIT */
#include "exchange/exchange.h"

#include <fcntl.h>

#include "exchange_rig.h"

START_TEST(whole_reply_wakes_once_and_is_complete)
{
	ck_assert_int_eq(exchange_reply(exchange, 200, "text/plain", "hello", 5), 0);
	ck_assert_int_eq(rig.wakes, 1);
	ck_assert_int_eq(exchange->state, EXCHANGE_ENDED);
	ck_assert_int_eq(exchange->reply.status, 200);
	ck_assert_int_eq(exchange->reply.content_length, 5);
	ck_assert_str_eq(rig_header(&rig, "content-type"), "text/plain");
	ck_assert_ptr_null(rig_header(&rig, "content-length"));
	ck_assert_str_eq(rig_body(&rig), "hello");
}
END_TEST

START_TEST(reply_copies_what_it_is_given)
{
	char text[] = "before";

	ck_assert_int_eq(exchange_reply(exchange, 200, NULL, text, 6), 0);
	memset(text, 'x', 6);
	ck_assert_str_eq(rig_body(&rig), "before");
	ck_assert_ptr_null(rig_header(&rig, "content-type"));
}
END_TEST

START_TEST(reply_by_reference_releases_once)
{
	int released = 0;

	ck_assert_int_eq(reply_ref("abc", 3, count, &released), 0);
	ck_assert_int_eq(released, 0);
	ck_assert_str_eq(rig_body(&rig), "abc");
	ck_assert_int_eq(released, 1);
	ck_assert_int_eq(reply_ref("abc", 3, count, &released), ERR_INVALID);
	ck_assert_int_eq(released, 2);
}
END_TEST

START_TEST(reference_without_release_is_allowed)
{
	ck_assert_int_eq(reply_ref("abc", 3, NULL, NULL), 0);
	ck_assert_str_eq(rig_body(&rig), "abc");
}
END_TEST

START_TEST(small_reply_on_used_memory_costs_no_new_chunk)
{
	const void *chunk;

	ck_assert_int_eq(exchange_reply(exchange, 200, "text/plain", "hello", 5), 0);
	chunk = exchange->arena.chunks;
	exchange_reset(exchange);
	ck_assert_int_eq(exchange_reply(exchange, 200, "text/plain", "hello", 5), 0);
	ck_assert_ptr_eq(exchange->arena.chunks, chunk);
}
END_TEST

START_TEST(reset_forgets_the_request_and_the_reply)
{
	int released = 0;

	ck_assert_int_eq(exchange_set_header(exchange, "content-length", "3"), 0);
	ck_assert_int_eq(exchange_start(exchange, 200, NULL), 0);
	ck_assert_int_eq(exchange_write_ref(exchange, "abc", 3, count, &released), 0);
	ck_assert_int_eq(buffer_append(&exchange->body, "body", 4), 0);
	exchange_reset(exchange);
	ck_assert_int_eq(released, 1);
	ck_assert_int_eq(exchange->state, EXCHANGE_OPEN);
	ck_assert_int_eq(exchange->reply.content_length, -1);
	ck_assert_int_eq(exchange->written, 0);
	ck_assert_uint_eq(exchange->body.size, 0);
	ck_assert_ptr_eq(exchange->session, &rig);
	ck_assert_int_eq(exchange_reply(exchange, 200, NULL, "next", 4), 0);
	ck_assert_str_eq(rig_body(&rig), "next");
}
END_TEST

START_TEST(reset_gives_a_large_body_back)
{
	char *space;

	exchange->body.max = 1 << 20;
	ck_assert_int_eq(buffer_reserve(&exchange->body, 1 << 20, &space), 0);
	exchange_reset(exchange);
	ck_assert_uint_eq(exchange->body.capacity, 0);
	ck_assert_uint_eq(exchange->body.max, 1 << 20);
}
END_TEST

START_TEST(finished_reply_takes_nothing_more)
{
	ck_assert_int_eq(exchange_reply(exchange, 200, NULL, "a", 1), 0);
	ck_assert_int_eq(exchange_reply(exchange, 200, NULL, "b", 1), ERR_INVALID);
	ck_assert_int_eq(exchange_start(exchange, 200, NULL), ERR_INVALID);
	ck_assert_int_eq(exchange_write(exchange, "b", 1), ERR_INVALID);
	ck_assert_int_eq(exchange_end(exchange), ERR_INVALID);
	ck_assert_int_eq(exchange_set_header(exchange, "x", "y"), ERR_INVALID);
	ck_assert_int_eq(exchange_add_trailer(exchange, "x", "y"), ERR_INVALID);
	exchange_fail(exchange, 500, NULL);
	ck_assert_int_eq(exchange->reply.status, 200);
	ck_assert_str_eq(rig_body(&rig), "a");
}
END_TEST

START_TEST(pieces_are_written_after_start_only)
{
	ck_assert_int_eq(exchange_write(exchange, "a", 1), ERR_INVALID);
	ck_assert_int_eq(exchange_end(exchange), ERR_INVALID);
	ck_assert_int_eq(exchange_start(exchange, 200, "text/plain"), 0);
	ck_assert_int_eq(exchange_set_header(exchange, "x", "y"), ERR_INVALID);
	ck_assert_int_eq(exchange->reply.content_length, -1);
	ck_assert_int_eq(exchange_write(exchange, "ab", 2), 0);
	ck_assert_int_eq(exchange_write(exchange, NULL, 0), 0);
	ck_assert_int_eq(exchange_write(exchange, "cd", 2), 0);
	ck_assert_int_eq(exchange_end(exchange), 0);
	ck_assert_int_eq(exchange->written, 4);
	ck_assert_str_eq(rig_body(&rig), "abcd");
	ck_assert_int_eq(rig.wakes, 4);
}
END_TEST

START_TEST(content_length_is_taken_out_of_the_header)
{
	ck_assert_int_eq(exchange_set_header(exchange, "Content-Length", "5"), 0);
	ck_assert_int_eq(exchange->reply.content_length, 5);
	ck_assert_uint_eq(exchange->reply.head.count, 0);
	ck_assert_int_eq(exchange_add_header(exchange, "content-length", "5"),
	    ERR_INVALID);
	ck_assert_int_eq(exchange_set_header(exchange, "content-length", NULL), 0);
	ck_assert_int_eq(exchange->reply.content_length, -1);
	ck_assert_int_eq(exchange_add_header(exchange, "content-length", "6"), 0);
	ck_assert_int_eq(exchange->reply.content_length, 6);
}
END_TEST

START_TEST(refuses_more_than_the_content_length)
{
	ck_assert_int_eq(exchange_set_header(exchange, "content-length", "5"), 0);
	ck_assert_int_eq(exchange_start(exchange, 200, NULL), 0);
	ck_assert_int_eq(exchange_write(exchange, "abcdef", 6), ERR_INVALID);
	ck_assert_int_eq(exchange_write(exchange, "abc", 3), 0);
	ck_assert_int_eq(exchange_write(exchange, "def", 3), ERR_INVALID);
	ck_assert_int_eq(exchange_write(exchange, "de", 2), 0);
	ck_assert_int_eq(exchange_end(exchange), 0);
	ck_assert_str_eq(rig_body(&rig), "abcde");
}
END_TEST

START_TEST(fewer_than_the_content_length_is_broken)
{
	ck_assert_int_eq(exchange_set_header(exchange, "content-length", "5"), 0);
	ck_assert_int_eq(exchange_start(exchange, 200, NULL), 0);
	ck_assert_int_eq(exchange_write(exchange, "abc", 3), 0);
	ck_assert_int_eq(exchange_end(exchange), ERR_INVALID);
	ck_assert_int_eq(exchange->state, EXCHANGE_BROKEN);
}
END_TEST

START_TEST(whole_reply_must_have_its_content_length)
{
	ck_assert_int_eq(exchange_set_header(exchange, "content-length", "5"), 0);
	ck_assert_int_eq(exchange_reply(exchange, 200, NULL, "abc", 3), ERR_INVALID);
	ck_assert_int_eq(exchange->state, EXCHANGE_OPEN);
	ck_assert_int_eq(exchange_reply(exchange, 200, NULL, "abcde", 5), 0);
}
END_TEST

START_TEST(head_counts_bytes_but_keeps_none)
{
	int released = 0;

	begin_head();
	ck_assert_int_eq(reply_ref("hello", 5, count, &released), 0);
	ck_assert_int_eq(released, 1);
	ck_assert_int_eq(exchange->reply.content_length, 5);
	ck_assert_str_eq(rig_body(&rig), "");
}
END_TEST

START_TEST(head_may_say_a_length_without_the_bytes)
{
	begin_head();
	ck_assert_int_eq(exchange_set_header(exchange, "content-length", "100"), 0);
	ck_assert_int_eq(exchange_reply(exchange, 200, NULL, NULL, 0), 0);
	ck_assert_int_eq(exchange->reply.content_length, 100);
	begin_head();
	ck_assert_int_eq(exchange_set_header(exchange, "content-length", "100"), 0);
	ck_assert_int_eq(exchange_start(exchange, 200, NULL), 0);
	ck_assert_int_eq(exchange_end(exchange), 0);
}
END_TEST

START_TEST(head_closes_the_file_at_once)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	begin_head();
	ck_assert_int_eq(exchange_reply_file(exchange, 200, NULL, fd, 0, 10), 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
	ck_assert_int_eq(exchange->reply.content_length, 10);
}
END_TEST

START_TEST(statuses_without_content_refuse_bytes)
{
	static const int statuses[] = { 204, 205, 304 };
	static const int64_t lengths[] = { -1, 0, -1 };

	for (int i = 0; i < 3; i++) {
		exchange_reset(exchange);
		ck_assert_int_eq(exchange_reply(exchange, statuses[i], NULL, "a", 1),
		    ERR_INVALID);
		ck_assert_int_eq(exchange_start(exchange, statuses[i], NULL), 0);
		ck_assert_int_eq(exchange_write(exchange, "a", 1), ERR_INVALID);
		ck_assert_int_eq(exchange_end(exchange), 0);
		exchange_reset(exchange);
		ck_assert_int_eq(exchange_reply(exchange, statuses[i], NULL, NULL, 0), 0);
		ck_assert_int_eq(exchange->reply.content_length, lengths[i]);
	}
}
END_TEST

START_TEST(not_modified_keeps_the_length_of_the_whole)
{
	ck_assert_int_eq(exchange_set_header(exchange, "content-length", "100"), 0);
	ck_assert_int_eq(exchange_reply(exchange, 304, NULL, NULL, 0), 0);
	ck_assert_int_eq(exchange->reply.content_length, 100);
}
END_TEST

START_TEST(no_content_drops_its_length)
{
	ck_assert_int_eq(exchange_set_header(exchange, "content-length", "0"), 0);
	ck_assert_int_eq(exchange_reply(exchange, 204, NULL, NULL, 0), 0);
	ck_assert_int_eq(exchange->reply.content_length, -1);
}
END_TEST

START_TEST(refuses_statuses_that_end_no_request)
{
	static const int bad[] = { -200, 0, 99, 100, 101, 199, 600, 1000 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_int_eq(exchange_reply(exchange, bad[i], NULL, "", 0),
		    ERR_INVALID);
		ck_assert_int_eq(exchange_start(exchange, bad[i], NULL), ERR_INVALID);
	}
	ck_assert_int_eq(exchange_reply(exchange, 599, NULL, "", 0), 0);
}
END_TEST

START_TEST(refuses_a_type_that_no_field_may_have)
{
	ck_assert_int_eq(exchange_reply(exchange, 200, "a\r\nb: c", "", 0), ERR_INVALID);
	ck_assert_int_eq(exchange_start(exchange, 200, "a\nb"), ERR_INVALID);
	ck_assert_int_eq(exchange->state, EXCHANGE_OPEN);
}
END_TEST

START_TEST(set_replaces_and_add_appends)
{
	ck_assert_int_eq(exchange_add_header(exchange, "Set-Cookie", "a=1"), 0);
	ck_assert_int_eq(exchange_add_header(exchange, "set-cookie", "b=2"), 0);
	ck_assert_uint_eq(exchange->reply.head.count, 2);
	ck_assert_int_eq(exchange_set_header(exchange, "SET-COOKIE", "c=3"), 0);
	ck_assert_uint_eq(exchange->reply.head.count, 1);
	ck_assert_str_eq(rig_header(&rig, "set-cookie"), "c=3");
	ck_assert_int_eq(exchange_set_header(exchange, "Set-Cookie", NULL), 0);
	ck_assert_uint_eq(exchange->reply.head.count, 0);
	ck_assert_int_eq(exchange_set_header(exchange, "Date", "today"), 0);
}
END_TEST

START_TEST(type_of_the_reply_wins_over_the_field)
{
	ck_assert_int_eq(exchange_set_header(exchange, "Content-Type", "text/html"), 0);
	ck_assert_int_eq(exchange_reply(exchange, 200, "text/css", "", 0), 0);
	ck_assert_uint_eq(exchange->reply.head.count, 1);
	ck_assert_str_eq(rig_header(&rig, "content-type"), "text/css");
}
END_TEST

START_TEST(refuses_bad_fields)
{
	static const char *const bad[][2] = { { "Connection", "close" },
		{ "transfer-encoding", "chunked" }, { "", "x" }, { "a b", "x" },
		{ "a", "b\r\nc: d" }, { "a", "b\x01" }, { "a", " b" }, { "a", "b\t" },
		{ "content-length", "12a" } };
	char longest[200];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_int_eq(exchange_set_header(exchange, bad[i][0], bad[i][1]),
		    ERR_INVALID);
		ck_assert_int_eq(exchange_add_header(exchange, bad[i][0], bad[i][1]),
		    ERR_INVALID);
	}
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	ck_assert_int_eq(exchange_set_header(exchange, longest, "y"), ERR_INVALID);
	ck_assert_uint_eq(exchange->reply.head.count, 0);
}
END_TEST

START_TEST(trailer_is_added_until_the_end)
{
	ck_assert_int_eq(exchange_add_trailer(exchange, "X-Sum", "1"), 0);
	ck_assert_int_eq(exchange_start(exchange, 200, NULL), 0);
	ck_assert_int_eq(exchange_add_trailer(exchange, "x-more", "2"), 0);
	ck_assert_int_eq(exchange_add_trailer(exchange, "content-type", "x"),
	    ERR_INVALID);
	ck_assert_int_eq(exchange_add_trailer(exchange, "x", "\n"), ERR_INVALID);
	ck_assert_int_eq(exchange_add_trailer(exchange, "x", NULL), ERR_INVALID);
	ck_assert_int_eq(exchange_end(exchange), 0);
	ck_assert_uint_eq(exchange->reply.trailer.count, 2);
	ck_assert_int_eq(exchange_add_trailer(exchange, "x-late", "3"), ERR_INVALID);
}
END_TEST

START_TEST(failure_is_told_in_words)
{
	exchange_fail(exchange, 404, "no such page");
	ck_assert_int_eq(exchange->state, EXCHANGE_ENDED);
	ck_assert_int_eq(exchange->reply.status, 404);
	ck_assert_str_eq(rig_header(&rig, "content-type"), "text/plain; charset=utf-8");
	ck_assert_str_eq(rig_body(&rig), "404 Not Found: no such page\n");
	ck_assert_int_eq(rig.wakes, 1);
}
END_TEST

START_TEST(failure_without_a_reason_is_its_phrase)
{
	exchange->id[0] = '\0';
	exchange_fail(exchange, 500, NULL);
	ck_assert_str_eq(rig_body(&rig), "500 Internal Server Error\n");
}
END_TEST

START_TEST(failure_of_ours_names_the_request)
{
	exchange_fail(exchange, 502, "it crashed");
	ck_assert_str_eq(rig_body(&rig),
	    "502 Bad Gateway: it crashed (request 00000000deadbeef)\n");
}
END_TEST

START_TEST(failure_keeps_only_what_the_status_is_about)
{
	ck_assert_int_eq(exchange_set_header(exchange, "Allow", "GET, HEAD"), 0);
	ck_assert_int_eq(exchange_set_header(exchange, "Retry-After", "5"), 0);
	ck_assert_int_eq(exchange_set_header(exchange, "ETag", "\"x\""), 0);
	ck_assert_int_eq(exchange_set_header(exchange, "Content-Length", "1000"), 0);
	exchange_fail(exchange, 405, NULL);
	ck_assert_str_eq(rig_header(&rig, "allow"), "GET, HEAD");
	ck_assert_str_eq(rig_header(&rig, "retry-after"), "5");
	ck_assert_ptr_null(rig_header(&rig, "etag"));
	ck_assert_int_eq(exchange->reply.content_length,
	    (int64_t)strlen("405 Method Not Allowed\n"));
}
END_TEST

START_TEST(failure_needs_none_of_the_memory_that_a_handler_used)
{
	while (arena_alloc(&exchange->arena, 1 << 10) != NULL) {
	}
	while (arena_alloc(&exchange->arena, 1) != NULL) {
	}
	ck_assert_int_eq(exchange_reply(exchange, 200, "text/plain", "x", 1), ERR_NOMEM);
	exchange_fail(exchange, 500, "full");
	ck_assert_int_eq(exchange->state, EXCHANGE_ENDED);
	ck_assert_str_eq(rig_body(&rig),
	    "500 Internal Server Error: full (request 00000000deadbeef)\n");
}
END_TEST

START_TEST(failure_breaks_a_started_reply)
{
	ck_assert_int_eq(exchange_start(exchange, 200, NULL), 0);
	exchange_fail(exchange, 500, NULL);
	ck_assert_int_eq(exchange->state, EXCHANGE_BROKEN);
	ck_assert_int_eq(exchange_write(exchange, "x", 1), ERR_INVALID);
	ck_assert_int_eq(exchange_end(exchange), ERR_INVALID);
}
END_TEST

START_TEST(reply_past_the_bound_leaves_the_exchange_open)
{
	const size_t size = EXCHANGE_WRITE_MAX + 1;
	char *large = calloc(size, 1);

	ck_assert_ptr_nonnull(large);
	ck_assert_int_eq(exchange_reply(exchange, 200, NULL, large, size), ERR_LIMIT);
	ck_assert_int_eq(exchange->state, EXCHANGE_OPEN);
	ck_assert_int_eq(exchange_reply(exchange, 200, NULL, large, size - 1), 0);
	exchange_reset(exchange);
	ck_assert_int_eq(reply_ref(large, size, free, large), 0);
}
END_TEST

START_TEST(data_that_is_not_there_is_refused)
{
	ck_assert_int_eq(exchange_reply(exchange, 200, NULL, NULL, 1), ERR_INVALID);
	ck_assert_int_eq(exchange_reply(exchange, 200, NULL, "x", SIZE_MAX), ERR_INVALID);
	ck_assert_int_eq(exchange_reply_file(exchange, 200, NULL, -1, 0, 1), ERR_INVALID);
	ck_assert_int_eq(exchange->state, EXCHANGE_OPEN);
}
END_TEST

static void add_replies(TCase *tcase)
{
	tcase_add_test(tcase, whole_reply_wakes_once_and_is_complete);
	tcase_add_test(tcase, reply_copies_what_it_is_given);
	tcase_add_test(tcase, reply_by_reference_releases_once);
	tcase_add_test(tcase, reference_without_release_is_allowed);
	tcase_add_test(tcase, small_reply_on_used_memory_costs_no_new_chunk);
	tcase_add_test(tcase, reset_forgets_the_request_and_the_reply);
	tcase_add_test(tcase, reset_gives_a_large_body_back);
	tcase_add_test(tcase, finished_reply_takes_nothing_more);
	tcase_add_test(tcase, pieces_are_written_after_start_only);
	tcase_add_test(tcase, reply_past_the_bound_leaves_the_exchange_open);
	tcase_add_test(tcase, data_that_is_not_there_is_refused);
}

static void add_lengths(TCase *tcase)
{
	tcase_add_test(tcase, content_length_is_taken_out_of_the_header);
	tcase_add_test(tcase, refuses_more_than_the_content_length);
	tcase_add_test(tcase, fewer_than_the_content_length_is_broken);
	tcase_add_test(tcase, whole_reply_must_have_its_content_length);
	tcase_add_test(tcase, head_counts_bytes_but_keeps_none);
	tcase_add_test(tcase, head_may_say_a_length_without_the_bytes);
	tcase_add_test(tcase, head_closes_the_file_at_once);
	tcase_add_test(tcase, statuses_without_content_refuse_bytes);
	tcase_add_test(tcase, not_modified_keeps_the_length_of_the_whole);
	tcase_add_test(tcase, no_content_drops_its_length);
	tcase_add_test(tcase, refuses_statuses_that_end_no_request);
}

static void add_fields(TCase *tcase)
{
	tcase_add_test(tcase, refuses_a_type_that_no_field_may_have);
	tcase_add_test(tcase, set_replaces_and_add_appends);
	tcase_add_test(tcase, type_of_the_reply_wins_over_the_field);
	tcase_add_test(tcase, refuses_bad_fields);
	tcase_add_test(tcase, trailer_is_added_until_the_end);
}

static void add_failures(TCase *tcase)
{
	tcase_add_test(tcase, failure_is_told_in_words);
	tcase_add_test(tcase, failure_without_a_reason_is_its_phrase);
	tcase_add_test(tcase, failure_of_ours_names_the_request);
	tcase_add_test(tcase, failure_keeps_only_what_the_status_is_about);
	tcase_add_test(tcase, failure_needs_none_of_the_memory_that_a_handler_used);
	tcase_add_test(tcase, failure_breaks_a_started_reply);
}

int main(void)
{
	Suite *suite = suite_create("exchange");
	TCase *tcase = tcase_create("exchange");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	add_replies(tcase);
	add_lengths(tcase);
	add_fields(tcase);
	add_failures(tcase);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
