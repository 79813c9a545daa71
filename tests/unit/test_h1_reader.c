/* SPDX-License-Identifier: MIT */
/* The reader: every case of tests/http1, whole and split anywhere; and its limits. */
#include "http/h1_reader.h"

#include "h1_case.h"
#include "h1_trace.h"
#include "unit.h"

/* More than this many split points are sampled: some inputs are there to be long. */
#define SPLITS_MAX 200

static const struct http_limits limits = { .max_target_bytes = 8192,
	.max_header_bytes = 32768, .max_header_fields = 100 };
static struct h1_cases cases;

static const struct h1_cut whole = { SIZE_MAX, SIZE_MAX };

static char *trace_text_of(struct slice input, struct h1_cut cut,
    const struct http_limits *bounds)
{
	struct buffer trace = h1_trace(input, cut, bounds);

	ck_assert_int_eq(buffer_append(&trace, "", 1), 0);
	return trace.data;
}

/* The lines of request number i: from start up to its END. */
static char *request_of(const char *trace, int i)
{
	const char *end = strstr(trace, "END ");

	while (i-- > 0 && end != NULL) {
		trace = end + strlen("END \n");
		end = strstr(trace, "END ");
	}
	return end == NULL ? strdup("") : strndup(trace, (size_t)(end - trace));
}

static bool has_line(const char *text, const char *line)
{
	size_t size = strlen(line);

	while (*text != '\0') {
		size_t width = strcspn(text, "\n");
		size_t trimmed = width;

		while (trimmed > size && text[trimmed - 1] == ' ') {
			trimmed--;
		}
		if (trimmed == size && memcmp(text, line, size) == 0) {
			return true;
		}
		text += width + 1;
	}
	return false;
}

static int count_of(const char *text, const char *word)
{
	int count = 0;

	while ((text = strstr(text, word)) != NULL) {
		text += strlen(word);
		count++;
	}
	return count;
}

static void check_outcome(const struct h1_case *item, const char *trace)
{
	char refused[32];

	snprintf(refused, sizeof(refused), "refused %d ", item->refused);
	ck_assert_msg(count_of(trace, "END \n") == item->replies,
	    "%s: wanted %d requests, got:\n%s", item->name, item->replies, trace);
	ck_assert_msg(count_of(trace, "refused ") == (item->refused != 0) &&
	    (item->refused == 0 || strstr(trace, refused) != NULL),
	    "%s: wanted %s, got:\n%s", item->name, refused, trace);
	if (item->refused == 0) {
		ck_assert_msg(count_of(trace, "flags close\n") == item->closed,
		    "%s: wanted %s, got:\n%s", item->name,
		    item->closed ? "a close" : "no close", trace);
	}
}

static void check_sees(const struct h1_case *item, const char *trace)
{
	for (int i = 0; i < item->check_count; i++) {
		const struct h1_check *check = &item->checks[i];
		char *request = request_of(trace, check->request);

		ck_assert_msg(has_line(request, check->line) != check->absent,
		    "%s: wanted %s'%s', got:\n%s", item->name,
		    check->absent ? "no " : "", check->line, trace);
		free(request);
	}
}

START_TEST(gives_what_the_case_says)
{
	const struct h1_case *item = &cases.items[_i];
	char *trace = trace_text_of(buffer_slice(&item->input), whole, &limits);

	if (!item->server_only) {
		check_outcome(item, trace);
		check_sees(item, trace);
	}
	free(trace);
}
END_TEST

static void check_cut(const struct h1_case *item, struct h1_cut cut, const char *expected)
{
	char *trace = trace_text_of(buffer_slice(&item->input), cut, &limits);

	ck_assert_msg(strcmp(trace, expected) == 0, "%s, cut at %zu, %zu: got\n%snot\n%s",
	    item->name, cut.first, cut.rest, trace, expected);
	free(trace);
}

START_TEST(gives_the_same_for_any_split)
{
	const struct h1_case *item = &cases.items[_i];
	char *expected = trace_text_of(buffer_slice(&item->input), whole, &limits);
	size_t step = item->input.size / SPLITS_MAX + 1;

	for (size_t at = 1; at < item->input.size; at += step) {
		check_cut(item, (struct h1_cut){ at, SIZE_MAX }, expected);
	}
	check_cut(item, (struct h1_cut){ 1, 1 }, expected);
	check_cut(item, (struct h1_cut){ 2, 3 }, expected);
	free(expected);
}
END_TEST

/* What the reader says to text, within bounds. */
static void check_says(const char *text, const struct http_limits *bounds,
    const char *line)
{
	for (size_t rest = 1; rest < 40; rest++) {
		char *trace = trace_text_of(slice_of(text), (struct h1_cut){ rest, rest },
		    bounds);

		ck_assert_msg(strstr(trace, line) != NULL, "wanted '%s', got:\n%s", line,
		    trace);
		free(trace);
	}
}

START_TEST(takes_a_target_of_the_limit_and_no_more)
{
	const struct http_limits bounds = { 5, 1000, 10 };

	check_says("GET /1234 HTTP/1.0\r\n\r\n", &bounds, "END");
	check_says("GET /12345 HTTP/1.0\r\n\r\n", &bounds, "refused 414");
}
END_TEST

START_TEST(takes_a_header_of_the_limit_and_no_more)
{
	/* Line ends count by their CR. */
	const struct http_limits bounds = { 100, 15 + 6 + 1, 10 };

	check_says("GET / HTTP/1.0\r\na: bc\r\n\r\n", &bounds, "END");
	check_says("GET / HTTP/1.0\r\na: bcd\r\n\r\n", &bounds, "refused 431");
}
END_TEST

START_TEST(calls_a_request_line_past_the_limit_414)
{
	const struct http_limits bounds = { 100, 10, 10 };

	check_says("GET /123456789", &bounds, "refused 414");
}
END_TEST

START_TEST(takes_as_many_fields_as_the_limit_and_no_more)
{
	const struct http_limits bounds = { 100, 1000, 2 };

	check_says("GET / HTTP/1.0\r\na: 1\r\nb: 2\r\n\r\n", &bounds, "END");
	check_says("GET / HTTP/1.0\r\na: 1\r\nb: 2\r\nc: 3\r\n\r\n", &bounds,
	    "refused 431");
}
END_TEST

#define CHUNKED "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

START_TEST(bounds_the_chunk_extensions_of_a_body_together)
{
	const struct http_limits bounds = { 100, 60, 10 };

	check_says(CHUNKED "1;{123456789012345678901234567}\r\nx\r\n0\r\n\r\n", &bounds,
	    "END");
	check_says(CHUNKED
	    "1;12345678901234567890\r\nx\r\n1;12345678901234567890\r\nx\r\n"
	    "1;12345678901234567890\r\nx\r\n1;1\r\nx\r\n0\r\n\r\n",
	    &bounds, "refused 400");
}
END_TEST

START_TEST(bounds_the_trailer)
{
	const struct http_limits bounds = { 100, 60, 2 };

	check_says(CHUNKED "0\r\na: 1\r\nb: 2\r\n\r\n", &bounds, "trailer b 2\nEND");
	check_says(CHUNKED "0\r\na: 1\r\nb: 2\r\nc: 3\r\n\r\n", &bounds, "refused 431");
	check_says(CHUNKED "0\r\na: 1234567890123456789012345678901234567890"
	    "12345678901234567890\r\n\r\n", &bounds, "refused 431");
}
END_TEST

START_TEST(knows_whether_a_request_has_started)
{
	struct h1_reader reader;
	struct request request;
	struct arena arena;
	struct slice body;
	struct slice input = SLICE("\r\n");

	arena_init(&arena, 1 << 16);
	request_init(&request, &arena, limits.max_header_bytes, limits.max_header_fields);
	h1_reader_init(&reader, &limits);
	ck_assert(!h1_reader_started(&reader));
	h1_reader_begin(&reader, &request);
	ck_assert(!h1_reader_started(&reader));
	ck_assert_int_eq(h1_reader_next(&reader, &input, &body), H1_NEED);
	ck_assert(!h1_reader_started(&reader));
	input = SLICE("G");
	ck_assert_int_eq(h1_reader_next(&reader, &input, &body), H1_NEED);
	ck_assert(h1_reader_started(&reader));
	input = SLICE("ET / HTTP/1.0\r\n\r\n");
	ck_assert_int_eq(h1_reader_next(&reader, &input, &body), H1_HEAD);
	ck_assert(h1_reader_started(&reader));
	ck_assert_int_eq(h1_reader_next(&reader, &input, &body), H1_END);
	ck_assert(!h1_reader_started(&reader));
	ck_assert_int_eq(h1_reader_next(&reader, &input, &body), H1_NEED);
	arena_release(&arena);
}
END_TEST

START_TEST(leaves_the_next_request_in_the_input)
{
	struct h1_reader reader;
	struct request request;
	struct arena arena;
	struct slice body;
	struct slice input = SLICE("POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\nabGET /");

	arena_init(&arena, 1 << 16);
	request_init(&request, &arena, limits.max_header_bytes, limits.max_header_fields);
	h1_reader_init(&reader, &limits);
	h1_reader_begin(&reader, &request);
	ck_assert_int_eq(h1_reader_next(&reader, &input, &body), H1_HEAD);
	ck_assert_int_eq(request.content_length, 2);
	ck_assert_int_eq(h1_reader_next(&reader, &input, &body), H1_BODY);
	ck_assert(slice_equal(body, SLICE("ab")));
	ck_assert_int_eq(h1_reader_next(&reader, &input, &body), H1_END);
	ck_assert(slice_equal(input, SLICE("GET /")));
	arena_release(&arena);
}
END_TEST

START_TEST(answers_503_when_the_arena_is_full)
{
	struct h1_reader reader;
	struct request request;
	struct arena arena;
	struct slice body;
	struct slice input = SLICE("GET / HTTP/1.0\r\n\r\n");

	arena_init(&arena, 16);
	request_init(&request, &arena, limits.max_header_bytes, limits.max_header_fields);
	h1_reader_init(&reader, &limits);
	h1_reader_begin(&reader, &request);
	ck_assert_int_eq(h1_reader_next(&reader, &input, &body), H1_REFUSED);
	ck_assert_int_eq(reader.status, 503);
	ck_assert_int_eq(h1_reader_next(&reader, &input, &body), H1_REFUSED);
	arena_release(&arena);
}
END_TEST

static Suite *reader_suite(void)
{
	Suite *suite = suite_create("h1_reader");
	TCase *by_case = tcase_create("cases");
	TCase *limit = tcase_create("limits and ends");

	tcase_set_timeout(by_case, 60);
	tcase_add_loop_test(by_case, gives_what_the_case_says, 0, cases.count);
	tcase_add_loop_test(by_case, gives_the_same_for_any_split, 0, cases.count);
	suite_add_tcase(suite, by_case);
	tcase_add_test(limit, takes_a_target_of_the_limit_and_no_more);
	tcase_add_test(limit, takes_a_header_of_the_limit_and_no_more);
	tcase_add_test(limit, calls_a_request_line_past_the_limit_414);
	tcase_add_test(limit, takes_as_many_fields_as_the_limit_and_no_more);
	tcase_add_test(limit, bounds_the_chunk_extensions_of_a_body_together);
	tcase_add_test(limit, bounds_the_trailer);
	tcase_add_test(limit, knows_whether_a_request_has_started);
	tcase_add_test(limit, leaves_the_next_request_in_the_input);
	tcase_add_test(limit, answers_503_when_the_arena_is_full);
	suite_add_tcase(suite, limit);
	return suite;
}

int main(void)
{
	int result;

	h1_cases_read(&cases);
	result = unit_run(reader_suite());
	h1_cases_release(&cases);
	return result;
}
