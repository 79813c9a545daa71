/* SPDX-License-Identifier: MIT */
/* Replies as bytes: which framing, which fields, for which request. */
#include "http/h1_writer.h"

#include "unit.h"

#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"

static struct arena arena;
static struct request request;
static struct reply reply;
static struct buffer out;

static void setup(void)
{
	arena_init(&arena, 1 << 20);
	request_init(&request, &arena, 1000, 10);
	request.method_id = HTTP_GET;
	reply_init(&reply, &arena);
	reply.status = 200;
	buffer_init(&out, 1 << 20);
}

static void teardown(void)
{
	buffer_release(&out);
	arena_release(&arena);
}

static void add(struct head *head, const char *name, const char *value)
{
	ck_assert_int_eq(head_add(head, slice_of(name), slice_of(value)), 0);
}

static void check_out(const char *expected)
{
	ck_assert_int_eq(buffer_append(&out, "", 1), 0);
	ck_assert_str_eq(buffer_slice(&out).data, expected);
	buffer_reset(&out);
}

/* The whole header, for the framing that the reply takes. */
static void check_head(bool keep_alive, const char *expected)
{
	ck_assert_int_eq(h1_write_head(&out, &request, &reply,
			     h1_framing_of(&request, &reply), keep_alive, SLICE("")),
	    0);
	check_out(expected);
}

START_TEST(writes_a_reply_of_known_length)
{
	reply.content_length = 12;
	add(&reply.head, "Content-Type", "text/plain");
	add(&reply.head, "X-Empty", "");
	ck_assert_int_eq(h1_framing_of(&request, &reply), H1_LENGTH);
	ck_assert_int_eq(h1_write_head(&out, &request, &reply, H1_LENGTH, true,
			     SLICE(DATE)),
	    0);
	check_out("HTTP/1.1 200 OK\r\ndate: " DATE "\r\ncontent-length: 12\r\n"
	    "content-type: text/plain\r\nx-empty: \r\n\r\n");
}
END_TEST

START_TEST(leaves_a_date_of_the_reply_alone)
{
	reply.content_length = 0;
	add(&reply.head, "Date", "today");
	ck_assert_int_eq(h1_write_head(&out, &request, &reply, H1_LENGTH, true,
			     SLICE(DATE)),
	    0);
	check_out("HTTP/1.1 200 OK\r\ncontent-length: 0\r\ndate: today\r\n\r\n");
}
END_TEST

START_TEST(writes_the_largest_length)
{
	reply.content_length = INT64_MAX;
	check_head(true,
	    "HTTP/1.1 200 OK\r\ncontent-length: 9223372036854775807\r\n\r\n");
}
END_TEST

START_TEST(chunks_what_has_no_length)
{
	ck_assert_int_eq(h1_framing_of(&request, &reply), H1_CHUNKED);
	check_head(true, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
}
END_TEST

START_TEST(ends_by_a_close_for_http_1_0)
{
	request.version = HTTP_1_0;
	ck_assert_int_eq(h1_framing_of(&request, &reply), H1_UNTIL_CLOSE);
	check_head(true, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
}
END_TEST

START_TEST(tells_what_becomes_of_the_connection)
{
	reply.content_length = 0;
	check_head(false,
	    "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
	request.version = HTTP_1_0;
	check_head(true,
	    "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n");
	check_head(false,
	    "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
}
END_TEST

START_TEST(tells_a_head_the_length_it_would_have)
{
	request.method_id = HTTP_HEAD;
	ck_assert_int_eq(h1_framing_of(&request, &reply), H1_NO_BODY);
	check_head(true, "HTTP/1.1 200 OK\r\n\r\n");
	reply.content_length = 5;
	check_head(true, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n");
}
END_TEST

START_TEST(gives_a_304_a_length_only_when_told)
{
	reply.status = 304;
	check_head(true, "HTTP/1.1 304 Not Modified\r\n\r\n");
	reply.content_length = 5;
	ck_assert_int_eq(h1_framing_of(&request, &reply), H1_NO_BODY);
	check_head(true, "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n");
}
END_TEST

START_TEST(gives_204_and_1xx_no_length_ever)
{
	reply.content_length = 5;
	reply.status = 204;
	check_head(true, "HTTP/1.1 204 No Content\r\n\r\n");
	request.method_id = HTTP_HEAD;
	check_head(true, "HTTP/1.1 204 No Content\r\n\r\n");
	reply.status = 103;
	check_head(true, "HTTP/1.1 103 Early Hints\r\n\r\n");
}
END_TEST

START_TEST(gives_205_the_length_0)
{
	reply.status = 205;
	reply.content_length = 5;
	check_head(true, "HTTP/1.1 205 Reset Content\r\ncontent-length: 0\r\n\r\n");
}
END_TEST

START_TEST(gives_a_tunnel_no_length)
{
	request.method_id = HTTP_CONNECT;
	reply.content_length = 0;
	check_head(true, "HTTP/1.1 200 OK\r\n\r\n");
	reply.status = 405;
	check_head(true, "HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 0\r\n\r\n");
}
END_TEST

START_TEST(writes_a_status_without_a_phrase)
{
	reply.status = 599;
	reply.content_length = 0;
	check_head(true, "HTTP/1.1 599 \r\ncontent-length: 0\r\n\r\n");
}
END_TEST

START_TEST(appends_all_of_a_header_or_nothing)
{
	for (size_t max = 0; max < 400; max++) {
		struct buffer small;
		int rc;

		buffer_init(&small, max);
		rc = h1_write_head(&small, &request, &reply, H1_CHUNKED, false,
		    SLICE(DATE));
		ck_assert(rc == 0 ? small.size > 0 : rc == ERR_LIMIT && small.size == 0);
		buffer_release(&small);
	}
}
END_TEST

START_TEST(writes_chunks)
{
	ck_assert_int_eq(h1_write_chunk_start(&out, 1), 0);
	ck_assert_int_eq(h1_write_chunk_end(&out), 0);
	check_out("1\r\n\r\n");
	ck_assert_int_eq(h1_write_chunk_start(&out, 0xabcdef10), 0);
	check_out("abcdef10\r\n");
	ck_assert_int_eq(h1_write_chunk_start(&out, SIZE_MAX), 0);
	ck_assert_int_eq(h1_write_chunk_end(&out), 0);
	ck_assert_uint_le(out.size, H1_CHUNK_OVERHEAD);
	check_out("ffffffffffffffff\r\n\r\n");
}
END_TEST

START_TEST(writes_the_last_chunk_and_its_trailer)
{
	ck_assert_int_eq(h1_write_last_chunk(&out, NULL), 0);
	check_out("0\r\n\r\n");
	ck_assert_int_eq(h1_write_last_chunk(&out, &reply.trailer), 0);
	check_out("0\r\n\r\n");
	add(&reply.trailer, "X-Sum", "1");
	ck_assert_int_eq(h1_write_last_chunk(&out, &reply.trailer), 0);
	check_out("0\r\nx-sum: 1\r\n\r\n");
}
END_TEST

START_TEST(writes_continue)
{
	ck_assert_int_eq(h1_write_continue(&out), 0);
	check_out("HTTP/1.1 100 Continue\r\n\r\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("h1_writer");
	TCase *all = tcase_create("replies");

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, writes_a_reply_of_known_length);
	tcase_add_test(all, leaves_a_date_of_the_reply_alone);
	tcase_add_test(all, writes_the_largest_length);
	tcase_add_test(all, chunks_what_has_no_length);
	tcase_add_test(all, ends_by_a_close_for_http_1_0);
	tcase_add_test(all, tells_what_becomes_of_the_connection);
	tcase_add_test(all, tells_a_head_the_length_it_would_have);
	tcase_add_test(all, gives_a_304_a_length_only_when_told);
	tcase_add_test(all, gives_204_and_1xx_no_length_ever);
	tcase_add_test(all, gives_205_the_length_0);
	tcase_add_test(all, gives_a_tunnel_no_length);
	tcase_add_test(all, writes_a_status_without_a_phrase);
	tcase_add_test(all, appends_all_of_a_header_or_nothing);
	tcase_add_test(all, writes_chunks);
	tcase_add_test(all, writes_the_last_chunk_and_its_trailer);
	tcase_add_test(all, writes_continue);
	suite_add_tcase(suite, all);
	return unit_run(suite);
}
