/* SPDX-License-Identifier: MIT */
/* The filter compress: which replies it takes on, and what their header says then. */
#include "compress_rig.h"

/* The fields of what comes of a reply; the request's and the reply's as given. */
static const char *judged(const char *settings, enum http_method method,
    const char *request, int status, const char *reply)
{
	static char text[4096];
	int result;

	filter_open(settings);
	filter_begin(method, request);
	result = filter_reply(status, reply);
	snprintf(text, sizeof(text), "%s", filter_fields());
	ck_assert_int_eq(result, filter.data != NULL ||
	    (method == HTTP_HEAD && strstr(text, "content-encoding: gzip") != NULL) ?
	    TC_OK : TC_NEXT);
	filter_end();
	filter_close();
	return text;
}

/* The coding chosen for that Accept-Encoding (NULL: without), "-" for none. */
static const char *chosen(const char *settings, const char *accept)
{
	static char coding[32];
	char request[200] = "";
	const char *found;

	if (accept != NULL) {
		snprintf(request, sizeof(request), "accept-encoding: %s\n", accept);
	}
	found = strstr(judged(settings, HTTP_GET, request, 200, TEXT),
	    "content-encoding: ");
	snprintf(coding, sizeof(coding), "%.*s",
	    found != NULL ? (int)strcspn(found + 18, "\n") : 1,
	    found != NULL ? found + 18 : "-");
	return coding;
}

#if defined HAVE_BROTLI && defined HAVE_ZSTD

struct choice_row {
	const char *accept;
	const char *coding;
};

static const struct choice_row choice_table[] = {
	/* One by one. */
	{ NULL, "-" },
	{ "", "-" },
	{ "gzip", "gzip" },
	{ "br", "br" },
	{ "zstd", "zstd" },
	{ "deflate", "-" },
	{ "compress", "-" },
	{ "identity", "-" },
	{ "gzipped", "-" },
	{ "gz", "-" },
	{ "bro", "-" },
	/* Names in any case, and an old one. */
	{ "GZip", "gzip" },
	{ "BR", "br" },
	{ "x-gzip", "gzip" },
	{ "X-GZIP;q=0.5", "gzip" },
	{ "x-br", "-" },
	/* Of equals, ours. */
	{ "gzip, deflate, br, zstd", "zstd" },
	{ "gzip, deflate, br", "br" },
	{ "gzip, deflate", "gzip" },
	{ "gzip;q=1.0, br;q=1.0, zstd", "zstd" },
	{ "gzip;q=0.5, br;q=0.5", "br" },
	/* Of others, the client's. */
	{ "gzip;q=1, br;q=0.9, zstd;q=0.8", "gzip" },
	{ "gzip;q=0.8, br;q=0.9, zstd;q=0.8", "br" },
	{ "gzip;q=0.001, br;q=0.002", "br" },
	{ "zstd;q=0.999, gzip", "gzip" },
	/* What is refused. */
	{ "gzip;q=0", "-" },
	{ "gzip;q=0.0", "-" },
	{ "gzip;q=0.000", "-" },
	{ "gzip;q=0, br", "br" },
	{ "zstd;q=0, br;q=0, gzip;q=0", "-" },
	{ "gzip;Q=0", "-" },
	{ "gzip; q=0", "-" },
	{ "gzip ;q=0", "-" },
	{ "gzip\t;\tq=0", "-" },
	/* Any. */
	{ "*", "zstd" },
	{ "*;q=0", "-" },
	{ "*;q=0.1", "zstd" },
	{ "zstd;q=0, *", "br" },
	{ "zstd;q=0, br;q=0, *;q=0.5", "gzip" },
	{ "gzip, *;q=0", "gzip" },
	{ "*;q=0, gzip", "gzip" },
	{ "gzip;q=0.5, *;q=0.1", "gzip" },
	{ "gzip;q=0.1, *;q=0.5", "zstd" },
	/* As it is. */
	{ "identity, gzip;q=0.5", "-" },
	{ "identity;q=1, gzip;q=1", "gzip" },
	{ "identity;q=0.5, gzip", "gzip" },
	{ "identity;q=0.5, *;q=0.4", "-" },
	{ "identity;q=0, gzip;q=0.001", "gzip" },
	{ "identity;q=0", "-" },
	{ "identity;q=0, deflate", "-" },
	{ "identity;q=0, *;q=0", "-" },
	/* Lists as they come. */
	{ ",, gzip ,", "gzip" },
	{ ",", "-" },
	{ ";q=1", "-" },
	{ "gzip;q=", "gzip" },
	{ "gzip;q=x", "gzip" },
	{ "gzip;q=2", "gzip" },
	{ "gzip;level=9;q=0", "-" },
	{ "gzip;x=\"a,b;q=0\"", "gzip" },
	{ "gzip;q=0.5;q=0", "-" },
	/* The same again: the first counts. */
	{ "gzip;q=0, gzip", "-" },
	/* In two lines. */
	{ "gzip;q=0\naccept-encoding: br;q=0.5", "br" },
	{ "identity\naccept-encoding: gzip", "gzip" },
	/* Browsers and tools of today. */
	{ "gzip, deflate, br, zstd", "zstd" },
	{ "deflate, gzip, br, zstd", "zstd" },
	{ "gzip,deflate", "gzip" },
	{ "identity;q=1, *;q=0", "-" },
	{ "deflate, gzip;q=1.0, *;q=0.5", "gzip" },
};

START_TEST(chooses_by_accept_encoding)
{
	const struct choice_row *row = &choice_table[_i];

	ck_assert_msg(strcmp(chosen("{}", row->accept), row->coding) == 0,
	    "'%s': %s instead of %s", row->accept, chosen("{}", row->accept),
	    row->coding);
}
END_TEST

START_TEST(prefers_the_order_of_the_settings)
{
	const char *settings = "{ \"codings\": [\"gzip\", \"zstd\"] }";

	ck_assert_str_eq(chosen(settings, "gzip, deflate, br, zstd"), "gzip");
	ck_assert_str_eq(chosen(settings, "gzip;q=0.9, zstd, br"), "zstd");
	ck_assert_str_eq(chosen(settings, "br"), "-");
}
END_TEST

#endif

START_TEST(says_what_it_has_done)
{
	ck_assert_str_eq(judged("{}", HTTP_GET, GZIP, 200, TEXT "content-length: 5000\n"
	    "etag: \"x\"\naccept-ranges: bytes\nlast-modified: then\n"),
	    TEXT "last-modified: then\n" VARIES "etag: W/\"x\"\n"
	    "content-encoding: gzip\n");
}
END_TEST

START_TEST(says_the_same_to_a_head)
{
	ck_assert_str_eq(judged("{}", HTTP_HEAD, GZIP, 200, TEXT "content-length: 5000\n"
	    "etag: \"x\"\naccept-ranges: bytes\n"),
	    TEXT VARIES "etag: W/\"x\"\ncontent-encoding: gzip\n");
	ck_assert_str_eq(judged("{}", HTTP_HEAD, "", 200, TEXT "content-length: 5000\n"),
	    TEXT VARIES "content-length: 5000\n");
}
END_TEST

START_TEST(says_what_it_would_do_for_others)
{
	ck_assert_str_eq(judged("{}", HTTP_GET, "", 200,
	    TEXT "content-length: 5000\netag: \"x\"\naccept-ranges: bytes\n"),
	    TEXT "etag: \"x\"\naccept-ranges: bytes\n" VARIES "content-length: 5000\n");
}
END_TEST

START_TEST(what_varies_already_is_not_said_twice)
{
	static const char *const fields[] = { "vary: accept-encoding\n", "vary: *\n",
		"vary: Accept, Accept-Encoding\n", "vary: Accept-Encoding , Accept\n" };
	char reply[200];
	char expected[200];

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		snprintf(reply, sizeof(reply), TEXT "%s", fields[i]);
		snprintf(expected, sizeof(expected), TEXT "%scontent-encoding: gzip\n",
		    fields[i]);
		ck_assert_str_eq(judged("{}", HTTP_GET, GZIP, 200, reply), expected);
	}
	ck_assert_str_eq(judged("{}", HTTP_GET, "", 200, TEXT "vary: Accept\n"),
	    TEXT "vary: Accept\n" VARIES);
	ck_assert_str_eq(judged("{}", HTTP_GET, "", 200,
	    TEXT "vary: X-Accept-Encoding\n"), TEXT "vary: X-Accept-Encoding\n" VARIES);
}
END_TEST

START_TEST(a_weak_tag_stays)
{
	ck_assert_str_eq(judged("{}", HTTP_GET, GZIP, 200, TEXT "etag: W/\"x\"\n"),
	    TEXT "etag: W/\"x\"\n" VARIES "content-encoding: gzip\n");
}
END_TEST

START_TEST(leaves_alone_what_is_fixed)
{
	static const char *const fields[] = { "content-encoding: br\n",
		"content-encoding: identity\n", "cache-control: no-transform\n",
		"cache-control: max-age=60, No-Transform\n", "repr-digest: x\n",
		"content-digest: x\n", "digest: x\n", "content-md5: x\n" };
	char reply[200];

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		snprintf(reply, sizeof(reply), TEXT "etag: \"x\"\n%s", fields[i]);
		ck_assert_str_eq(judged("{}", HTTP_GET, GZIP, 200, reply), reply);
	}
	ck_assert_ptr_nonnull(strstr(judged("{}", HTTP_GET, GZIP, 200, TEXT
	    "cache-control: max-age=60, x-no-transform\n"), "content-encoding: gzip\n"));
}
END_TEST

START_TEST(leaves_ranges_alone)
{
	ck_assert_str_eq(judged("{}", HTTP_GET, GZIP, 206, TEXT "content-length: 5000\n"
	    "content-range: bytes 0-4999/9999\netag: \"x\"\n"),
	    TEXT "content-range: bytes 0-4999/9999\netag: \"x\"\n" VARIES
	    "content-length: 5000\n");
	ck_assert_str_eq(judged("{}", HTTP_GET, GZIP, 206,
	    "content-type: multipart/byteranges; boundary=x\n"),
	    "content-type: multipart/byteranges; boundary=x\n");
	ck_assert_str_eq(judged("{}", HTTP_GET, GZIP, 416,
	    TEXT "content-range: bytes */9999\n"), TEXT "content-range: bytes */9999\n");
}
END_TEST

START_TEST(leaves_replies_without_a_body_alone)
{
	ck_assert_str_eq(judged("{}", HTTP_GET, GZIP, 204, TEXT), TEXT);
	ck_assert_str_eq(judged("{}", HTTP_GET, GZIP, 205, TEXT), TEXT);
}
END_TEST

START_TEST(compresses_errors_too)
{
	ck_assert_str_eq(judged("{}", HTTP_GET, GZIP, 404, TEXT),
	    TEXT VARIES "content-encoding: gzip\n");
	ck_assert_str_eq(judged("{}", HTTP_POST, GZIP, 500, TEXT),
	    TEXT VARIES "content-encoding: gzip\n");
}
END_TEST

START_TEST(a_304_has_the_tag_of_what_the_client_has)
{
	ck_assert_str_eq(judged("{}", HTTP_GET, GZIP "if-none-match: W/\"x\"\n", 304,
	    "etag: \"x\"\n"), VARIES "etag: W/\"x\"\n");
	ck_assert_str_eq(judged("{}", HTTP_GET, "if-none-match: \"a\", W/\"b\"\n"
	    "if-none-match: \"c\", W/\"x\"\n", 304, "etag: \"x\"\n"),
	    VARIES "etag: W/\"x\"\n");
	ck_assert_str_eq(judged("{}", HTTP_GET, GZIP "if-none-match: \"x\"\n", 304,
	    "etag: \"x\"\n"), "etag: \"x\"\n" VARIES);
	ck_assert_str_eq(judged("{}", HTTP_GET, GZIP "if-none-match: W/\"xx\"\n", 304,
	    "etag: \"x\"\n"), "etag: \"x\"\n" VARIES);
	ck_assert_str_eq(judged("{}", HTTP_GET, GZIP "if-none-match: *\n", 304,
	    "etag: W/\"x\"\n"), "etag: W/\"x\"\n" VARIES);
	ck_assert_str_eq(judged("{}", HTTP_GET, GZIP, 304, ""), VARIES);
}
END_TEST

START_TEST(what_is_short_stays_as_it_is)
{
	const char *half = "{ \"min_bytes\": 512 }";

	ck_assert_str_eq(judged("{}", HTTP_GET, GZIP, 200, TEXT "content-length: 1023\n"),
	    TEXT VARIES "content-length: 1023\n");
	ck_assert_str_eq(judged("{}", HTTP_GET, GZIP, 200, TEXT "content-length: 1024\n"),
	    TEXT VARIES "content-encoding: gzip\n");
	ck_assert_str_eq(judged(half, HTTP_GET, GZIP, 200, TEXT "content-length: 511\n"),
	    TEXT VARIES "content-length: 511\n");
	ck_assert_str_eq(judged(half, HTTP_GET, GZIP, 200, TEXT "content-length: 512\n"),
	    TEXT VARIES "content-encoding: gzip\n");
}
END_TEST

/* Is a reply of that type compressed? Vary says so exactly if it is. */
static bool takes(const char *settings, const char *type)
{
	char reply[300];
	const char *fields;
	bool taken;

	snprintf(reply, sizeof(reply), "content-type: %s\n", type);
	fields = judged(settings, HTTP_GET, GZIP, 200, reply);
	taken = strstr(fields, "content-encoding: gzip\n") != NULL;
	ck_assert_int_eq(taken, strstr(fields, VARIES) != NULL);
	return taken;
}

START_TEST(knows_the_types_that_are_worth_it)
{
	static const char *const yes[] = { "text/html", "text/html; charset=utf-8",
		"TEXT/HTML;charset=utf-8", "text/css", "text/javascript",
		"text/x-anything",
		"application/javascript", "application/json", "application/ld+json",
		"application/problem+json; charset=utf-8", "application/xml",
		"application/atom+xml", "image/svg+xml", "application/wasm", "font/ttf",
		"application/json ; charset=utf-8" };
	static const char *const no[] = { "image/png", "image/jpeg", "video/mp4",
		"application/zip", "application/gzip", "font/woff2", "application/pdf",
		"application/octet-stream", "text", "text/event-stream",
		"text/event-stream; charset=utf-8", "TEXT/EVENT-STREAM", "xtext/html",
		"application/jsonp", "multipart/mixed", "json" };
	char long_type[200] = "text/";

	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++) {
		ck_assert_msg(takes("{}", yes[i]), "%s", yes[i]);
	}
	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++) {
		ck_assert_msg(!takes("{}", no[i]), "%s", no[i]);
	}
	memset(long_type + 5, 'x', 150);
	ck_assert(!takes("{}", long_type));
	ck_assert_str_eq(judged("{}", HTTP_GET, GZIP, 200, ""), "");
}
END_TEST

START_TEST(takes_the_types_of_the_settings)
{
	const char *settings = "{ \"types\": [\"a/*\", \"B/c\", \"*/x*z\", \"d/*e*f\"] }";
	static const char *const yes[] = { "a/b", "A/b", "b/c", "q/xz", "q/xyz", "q/xzyz",
		"d/ef", "d/1e2f", "d/eef", "d/fef" };
	static const char *const no[] = { "b/cc", "b/", "aa/b", "q/xzy", "q/yxz",
		"text/html", "d/f", "d/e", "d/fe" };

	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++) {
		ck_assert_msg(takes(settings, yes[i]), "%s", yes[i]);
	}
	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++) {
		ck_assert_msg(!takes(settings, no[i]), "%s", no[i]);
	}
}
END_TEST

START_TEST(events_want_to_be_named)
{
	ck_assert(!takes("{ \"types\": [\"*/*\", \"text/event*\"] }",
	    "text/event-stream"));
	ck_assert(takes("{ \"types\": [\"*/*\", \"text/event-stream\"] }",
	    "text/event-stream; charset=utf-8"));
}
END_TEST

static void *no_memory(tc_req *r, size_t size)
{
	(void)r;
	(void)size;
	return NULL;
}

START_TEST(without_memory_a_reply_stays_as_it_is)
{
	filter_open("{}");
	filter_begin(HTTP_GET, GZIP);
	tc.alloc = no_memory;
	ck_assert_int_eq(filter_reply(200, TEXT "etag: \"x\"\n"), TC_NEXT);
	ck_assert_str_eq(filter_fields(), TEXT "etag: \"x\"\n" VARIES);
	filter_end();
	filter_close();
}
END_TEST

START_TEST(refuses_settings_that_make_no_sense)
{
	static const char list[] = "expected a list that is not empty\n";
	static const char type[] = "expected a media type: 'text/html', 'text/*'\n";
	static const char *const rows[][3] = {
		{ "\"codings\": []", ".codings", list },
		{ "\"codings\": \"gzip\"", ".codings", list },
		{ "\"codings\": { \"gzip\": 1 }", ".codings", list },
		{ "\"codings\": [5]", ".codings[0]", "expected a string, found '5'\n" },
		{ "\"codings\": [\"gzip\", \"gzip\"]", ".codings[1]", "named twice\n" },
		{ "\"types\": []", ".types", list },
		{ "\"types\": 7", ".types", list },
		{ "\"types\": [\"\"]", ".types[0]", type },
		{ "\"types\": [\"text\"]", ".types[0]", type },
		{ "\"types\": [\"text/\"]", ".types[0]", type },
		{ "\"types\": [\"a/b\", \"text/html; charset=utf-8\"]", ".types[1]",
			type },
		{ "\"types\": [\"a/b/c\"]", ".types[0]", type },
		{ "\"min_bytes\": -1", ".min_bytes",
			"expected at least 0, found '-1'\n" },
		{ "\"min_bytes\": \"1k\"", ".min_bytes",
			"expected a whole number, found the string '1k'\n" },
		{ "\"levels\": { \"gzip\": 10 }", ".levels.gzip",
			"expected 1..9, found '10'\n" },
		{ "\"level\": 3", ".level",
			"unknown setting 'level'\n  hint: did you mean 'levels'?\n" },
		{ "\"levels\": { \"gzipp\": 3 }", ".levels.gzipp", "unknown setting "
			"'levels.gzipp'\n  hint: did you mean 'gzip'?\n" },
		{ "\"min_byte\": 3", ".min_byte",
			"unknown setting 'min_byte'\n"
			"  hint: did you mean 'min_bytes'?\n" },
		{ "\"levels\": 5", ".levels", "expected an object: { \"gzip\": 5 }\n" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char settings[200];
		char expected[300];

		snprintf(settings, sizeof(settings), "{ %s }", rows[i][0]);
		snprintf(expected, sizeof(expected), "%s: %s", rows[i][1], rows[i][2]);
		filter_refuse(settings, expected);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("compress");
	TCase *tests = tcase_create("compress");

#if defined HAVE_BROTLI && defined HAVE_ZSTD
	tcase_add_loop_test(tests, chooses_by_accept_encoding, 0,
	    sizeof(choice_table) / sizeof(*choice_table));
	tcase_add_test(tests, prefers_the_order_of_the_settings);
#endif
	tcase_add_test(tests, says_what_it_has_done);
	tcase_add_test(tests, says_the_same_to_a_head);
	tcase_add_test(tests, says_what_it_would_do_for_others);
	tcase_add_test(tests, what_varies_already_is_not_said_twice);
	tcase_add_test(tests, a_weak_tag_stays);
	tcase_add_test(tests, leaves_alone_what_is_fixed);
	tcase_add_test(tests, leaves_ranges_alone);
	tcase_add_test(tests, leaves_replies_without_a_body_alone);
	tcase_add_test(tests, compresses_errors_too);
	tcase_add_test(tests, a_304_has_the_tag_of_what_the_client_has);
	tcase_add_test(tests, what_is_short_stays_as_it_is);
	tcase_add_test(tests, knows_the_types_that_are_worth_it);
	tcase_add_test(tests, takes_the_types_of_the_settings);
	tcase_add_test(tests, events_want_to_be_named);
	tcase_add_test(tests, without_memory_a_reply_stays_as_it_is);
	tcase_add_test(tests, refuses_settings_that_make_no_sense);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
