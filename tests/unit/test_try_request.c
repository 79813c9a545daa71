/* SPDX-License-Identifier: MIT */
/* The request of "tincan try": what a handler gets, and what no server would take. */
#include "cli/try_request.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"

static struct exchange exchange;
static struct problems problems;

static void setup(void)
{
	memset(&exchange, 0, sizeof(exchange));
	exchange_init(&exchange, NULL, NULL);
	problems_init(&problems);
}

static void teardown(void)
{
	exchange_release(&exchange);
	problems_release(&problems);
}

static struct cli line(const char *method, const char *target)
{
	return (struct cli){ .words = { "x.so", method, target } };
}

static const char *field(const char *name)
{
	struct slice value = head_find(&exchange.request.head, slice_of(name));

	return value.data == NULL ? "" : value.data;
}

START_TEST(makes_a_request_without_content)
{
	struct cli cli = line("GET", "/a%20b?c=d");

	ck_assert_int_eq(try_request_make(&cli, NULL, &exchange, &problems), 0);
	ck_assert_str_eq(exchange.request.method.data, "GET");
	ck_assert_str_eq(exchange.request.path.data, "/a b");
	ck_assert_str_eq(exchange.request.query.data, "c=d");
	ck_assert_str_eq(field("host"), "localhost");
	ck_assert(!exchange.request.has_body);
	ck_assert_uint_eq(exchange.body.size, 0);
	ck_assert_str_eq(buffer_slice(&exchange.body).data, "");
}
END_TEST

START_TEST(takes_fields_as_a_person_writes_them)
{
	struct cli cli = line("GET", "/");

	cli.fields[0] = "Host:example.org";
	cli.fields[1] = "X-One: \t1 2 ";
	cli.fields[2] = "x-empty:";
	cli.field_count = 3;
	ck_assert_int_eq(try_request_make(&cli, NULL, &exchange, &problems), 0);
	ck_assert_str_eq(field("host"), "example.org");
	ck_assert_str_eq(field("x-one"), "1 2");
	ck_assert_uint_eq(exchange.request.head.count, 3);
}
END_TEST

START_TEST(carries_bytes_of_any_kind)
{
	char bytes[] = "a\0\r\n\xff";
	struct try_text body = { "--data", bytes, sizeof(bytes) - 1 };
	struct cli cli = line("POST", "/");

	ck_assert_int_eq(try_request_make(&cli, &body, &exchange, &problems), 0);
	ck_assert_uint_eq(exchange.body.size, sizeof(bytes) - 1);
	ck_assert_mem_eq(buffer_slice(&exchange.body).data, bytes, sizeof(bytes));
	ck_assert_str_eq(field("content-length"), "5");
}
END_TEST

START_TEST(tells_content_of_no_bytes_from_none)
{
	struct try_text body = { "--data", (char[]){ "" }, 0 };
	struct cli cli = line("POST", "/");

	ck_assert_int_eq(try_request_make(&cli, &body, &exchange, &problems), 0);
	ck_assert_str_eq(field("content-length"), "0");
}
END_TEST

static const struct {
	const char *method;
	const char *target;
	const char *field;
	const char *what;
} refused[] = {
	{ "", "/", NULL, "'' is no method" },
	{ "G T", "/", NULL, "'G T' is no method" },
	{ "GET\r\nx:", "/", NULL, "is no method" },
	{ "GET", "", NULL, "400 Bad Request" },
	{ "GET", "/a b", NULL, "'/a b' is no target" },
	{ "GET", "/ HTTP/1.1\r\nx: y", NULL, "is no target" },
	{ "GET", "a", NULL, "400 Bad Request" },
	{ "GET", "/%", NULL, "400 Bad Request" },
	{ "GET", "/../..", NULL, "400 Bad Request" },
	{ "GET", "/", "", "'' is no header field" },
	{ "GET", "/", "a", "'a' is no header field" },
	{ "GET", "/", ": a", "': a' is no header field" },
	{ "GET", "/", "a : b", "'a : b' is no header field" },
	{ "GET", "/", "a: b\r\nc: d", "is no header field" },
	{ "GET", "/", "content-length: 1", "there is none" },
	{ "GET", "/", "content-length: x", "400 Bad Request" },
	{ "GET", "/", "transfer-encoding: chunked", "there is none" },
};

START_TEST(refuses_what_is_no_request)
{
	struct cli cli = line(refused[_i].method, refused[_i].target);

	cli.fields[0] = refused[_i].field;
	cli.field_count = refused[_i].field != NULL;
	ck_assert_int_ne(try_request_make(&cli, NULL, &exchange, &problems), 0);
	ck_assert_uint_eq(problems.errors, 1);
	ck_assert_ptr_nonnull(strstr(problems.items[0].what, refused[_i].what));
}
END_TEST

START_TEST(reads_a_text_or_a_file)
{
	struct try_text text;

	ck_assert_int_eq(try_text_read("--data", "a@b", &text, &problems), 0);
	ck_assert_str_eq(text.data, "a@b");
	ck_assert_str_eq(text.where, "--data");
	free(text.data);
	ck_assert_int_eq(try_text_read("--data", "@/dev/null", &text, &problems), 0);
	ck_assert_uint_eq(text.size, 0);
	ck_assert_str_eq(text.where, "/dev/null");
	free(text.data);
	ck_assert_int_ne(try_text_read("--data", "@/no/such", &text, &problems), 0);
	ck_assert_uint_eq(problems.errors, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("try_request");
	TCase *tests = tcase_create("try_request");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, makes_a_request_without_content);
	tcase_add_test(tests, takes_fields_as_a_person_writes_them);
	tcase_add_test(tests, carries_bytes_of_any_kind);
	tcase_add_test(tests, tells_content_of_no_bytes_from_none);
	tcase_add_loop_test(tests, refuses_what_is_no_request, 0,
	    sizeof(refused) / sizeof(refused[0]));
	tcase_add_test(tests, reads_a_text_or_a_file);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
