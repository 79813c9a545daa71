/* SPDX-License-Identifier: MIT */
/* Requests from the fields of an HTTP/2 header section. */
#include "http/h2_request.h"

#include "unit.h"

static const struct http_limits limits = { .max_target_bytes = 100,
	.max_header_bytes = 2000, .max_header_fields = 10 };
static struct arena arena;
static struct request request;
static struct h2_request reader;

static void begin(void)
{
	request_init(&request, &arena, limits.max_header_bytes, limits.max_header_fields);
	h2_request_begin(&reader, &request, &limits);
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

static void field(const char *name, const char *value)
{
	ck_assert_int_eq(h2_request_field(&reader, slice_of(name), slice_of(value)), 0);
}

static void pseudo(const char *method, const char *path, const char *authority)
{
	field(":method", method);
	field(":scheme", "https");
	if (path != NULL) {
		field(":path", path);
	}
	if (authority != NULL) {
		field(":authority", authority);
	}
}

static const char *header(const char *name)
{
	return head_find(&request.head, slice_of(name)).data;
}

static void refuses(int status, const char *reason)
{
	ck_assert_int_eq(h2_request_end(&reader, false), status);
	ck_assert_str_eq(reader.reason, reason);
}

START_TEST(fills_a_request_in)
{
	pseudo("GET", "/a/%62?c=d", "h:1");
	field("accept", "*/*");
	ck_assert_int_eq(h2_request_end(&reader, false), 0);
	ck_assert_int_eq(request.version, HTTP_2);
	ck_assert_int_eq(request.method_id, HTTP_GET);
	ck_assert_str_eq(request.method.data, "GET");
	ck_assert_str_eq(request.target.data, "/a/%62?c=d");
	ck_assert_str_eq(request.path.data, "/a/b");
	ck_assert_str_eq(request.query.data, "c=d");
	ck_assert_str_eq(request.authority.data, "h:1");
	ck_assert_str_eq(header("host"), "h:1");
	ck_assert_str_eq(header("accept"), "*/*");
	ck_assert_uint_eq(request.head.count, 2);
	ck_assert(request.keep_alive && !request.has_body);
}
END_TEST

START_TEST(takes_the_end_of_the_stream_for_the_body)
{
	pseudo("POST", "/", "h");
	field("content-length", "5");
	field("expect", "100-continue");
	ck_assert_int_eq(h2_request_end(&reader, true), 0);
	ck_assert(request.has_body && request.expect_continue);
	ck_assert_int_eq(request.content_length, 5);
	begin();
	pseudo("POST", "/", "h");
	field("expect", "100-continue");
	ck_assert_int_eq(h2_request_end(&reader, true), 0);
	ck_assert(request.has_body && request.expect_continue);
	begin();
	pseudo("POST", "/", "h");
	field("content-length", "0");
	field("expect", "100-continue");
	ck_assert_int_eq(h2_request_end(&reader, false), 0);
	ck_assert(!request.has_body && !request.expect_continue);
}
END_TEST

START_TEST(takes_host_for_the_authority)
{
	pseudo("GET", "/", NULL);
	field("host", "a.example");
	ck_assert_int_eq(h2_request_end(&reader, false), 0);
	ck_assert_str_eq(request.authority.data, "a.example");
	begin();
	pseudo("GET", "/", "a.example");
	field("host", "A.example");
	ck_assert_int_eq(h2_request_end(&reader, false), 0);
	ck_assert_str_eq(header("host"), "a.example");
	ck_assert_uint_eq(request.head.count, 1);
}
END_TEST

START_TEST(refuses_hosts_that_differ)
{
	pseudo("GET", "/", "a");
	field("host", "b");
	refuses(400, "two hosts");
}
END_TEST

START_TEST(refuses_what_http_1_refuses)
{
	pseudo("GET", "/", "user@h");
	refuses(400, "invalid host field");
	begin();
	pseudo("GET", "/%zz", "h");
	refuses(400, "invalid path");
	begin();
	pseudo("GET", "*", "h");
	refuses(400, "target '*' is for OPTIONS only");
	begin();
	pseudo("GET", "/", "h");
	field("authorization", "a");
	field("authorization", "b");
	refuses(400, "more than one authorization field");
}
END_TEST

START_TEST(refuses_paths_and_schemes_of_others)
{
	pseudo("GET", "https://h/", "h");
	refuses(400, "invalid path");
	begin();
	pseudo("GET", NULL, "h");
	refuses(400, "invalid path");
	begin();
	field(":method", "GET");
	field(":scheme", "ftp");
	field(":path", "/");
	field(":authority", "h");
	refuses(400, "unknown scheme");
	begin();
	pseudo("GET", "/", "h");
	field(":status", "200");
	refuses(400, "unknown pseudo-field");
}
END_TEST

START_TEST(knows_connect)
{
	field(":method", "CONNECT");
	field(":authority", "h:443");
	ck_assert_int_eq(h2_request_end(&reader, true), 0);
	ck_assert_str_eq(request.target.data, "h:443");
	ck_assert_str_eq(request.authority.data, "h:443");
	ck_assert_str_eq(request.path.data, "");
	begin();
	field(":method", "CONNECT");
	refuses(400, "no host");
}
END_TEST

START_TEST(knows_connect_for_a_websocket)
{
	pseudo("CONNECT", "/chat?to=you", "h");
	field(":protocol", "websocket");
	ck_assert_int_eq(h2_request_end(&reader, true), 0);
	ck_assert_str_eq(request.protocol.data, "websocket");
	ck_assert_str_eq(request.path.data, "/chat");
	ck_assert_str_eq(request.query.data, "to=you");
	ck_assert_str_eq(request.authority.data, "h");
	begin();
	pseudo("CONNECT", "/chat", "h");
	field(":protocol", "connect-udp");
	refuses(501, "no protocol but websocket is spoken here");
}
END_TEST

START_TEST(joins_a_cookie)
{
	pseudo("GET", "/", "h");
	field("cookie", "a=1");
	field("cookie", "b=2");
	field("accept", "x");
	field("cookie", "");
	field("cookie", "c=3");
	ck_assert_int_eq(h2_request_end(&reader, false), 0);
	ck_assert_str_eq(header("cookie"), "a=1; b=2; ; c=3");
	ck_assert_uint_eq(head_find(&request.head, SLICE("cookie")).size, 15);
	ck_assert_str_eq(header("accept"), "x");
	ck_assert_uint_eq(request.head.count, 3);
}
END_TEST

START_TEST(refuses_a_target_that_is_too_long)
{
	char path[102];

	memset(path, '/', 101);
	path[101] = '\0';
	pseudo("GET", path, "h");
	refuses(414, "target too long");
	ck_assert_str_eq(request.target.data, "");
	begin();
	pseudo("GET", path + 1, "h");
	ck_assert_int_eq(h2_request_end(&reader, false), 0);
}
END_TEST

/* As its client counts, by what SETTINGS_MAX_HEADER_LIST_SIZE told it. */
START_TEST(takes_a_header_as_large_as_was_said_and_no_larger)
{
	static char value[2000];
	size_t rest = 2000 - (7 + 3 + 32) - (7 + 5 + 32) - (5 + 1 + 32) - (10 + 1 + 32) -
	    (1 + 32);

	memset(value, 'x', rest);
	pseudo("GET", "/", "h");
	field("a", value);
	ck_assert_int_eq(h2_request_end(&reader, false), 0);
	begin();
	value[rest] = 'x';
	pseudo("GET", "/", "h");
	field("a", value);
	refuses(431, "header too large");
}
END_TEST

START_TEST(refuses_too_many_fields)
{
	pseudo("GET", "/", "h");
	for (int i = 0; i < 10; i++) {
		field("a", "b");
	}
	refuses(431, "header too large");
}
END_TEST

START_TEST(gives_up_on_a_header_that_goes_on)
{
	static const char value[1000];
	const struct slice large = { value, sizeof(value) };
	int count = 0;

	pseudo("GET", "/", "h");
	while (h2_request_field(&reader, SLICE("a"), large) == 0) {
		count++;
		ck_assert_int_lt(count, 1000);
	}
	ck_assert_int_gt(count, H2_REQUEST_EXCESS / 1033);
	/* Nothing of it was kept. */
	ck_assert_uint_lt(arena.used, 10000);
}
END_TEST

START_TEST(keeps_trailer_fields_that_may_be_there)
{
	pseudo("POST", "/", "h");
	ck_assert_int_eq(h2_request_end(&reader, true), 0);
	ck_assert_int_eq(h2_request_trailer(&reader, SLICE("x-sum"), SLICE("1")), 0);
	ck_assert_int_eq(h2_request_trailer(&reader, SLICE("host"), SLICE("2")), 0);
	ck_assert_uint_eq(request.trailer.count, 1);
	ck_assert_str_eq(head_find(&request.trailer, SLICE("x-sum")).data, "1");
	ck_assert_int_eq(reader.status, 0);
	for (int i = 0; i < 10; i++) {
		ck_assert_int_eq(h2_request_trailer(&reader, SLICE("a"), SLICE("b")), 0);
	}
	ck_assert_int_eq(reader.status, 431);
}
END_TEST

START_TEST(answers_503_when_memory_ends)
{
	arena.max = arena.used;
	pseudo("GET", "/", "h");
	refuses(503, "out of memory");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("h2_request");
	TCase *all = tcase_create("requests");

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, fills_a_request_in);
	tcase_add_test(all, takes_the_end_of_the_stream_for_the_body);
	tcase_add_test(all, takes_host_for_the_authority);
	tcase_add_test(all, refuses_hosts_that_differ);
	tcase_add_test(all, refuses_what_http_1_refuses);
	tcase_add_test(all, refuses_paths_and_schemes_of_others);
	tcase_add_test(all, knows_connect);
	tcase_add_test(all, knows_connect_for_a_websocket);
	tcase_add_test(all, joins_a_cookie);
	tcase_add_test(all, refuses_a_target_that_is_too_long);
	tcase_add_test(all, takes_a_header_as_large_as_was_said_and_no_larger);
	tcase_add_test(all, refuses_too_many_fields);
	tcase_add_test(all, gives_up_on_a_header_that_goes_on);
	tcase_add_test(all, keeps_trailer_fields_that_may_be_there);
	tcase_add_test(all, answers_503_when_memory_ends);
	suite_add_tcase(suite, all);
	return unit_run(suite);
}
