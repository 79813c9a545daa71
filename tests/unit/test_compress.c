/* SPDX-License-Identifier: MIT */
/*
 * The filter compress: which replies it takes on, what their header says then, and that
 * every piece of every coding comes out again as it went in.
 */
#include "../../plugins/compress/codings.c"
#include "../../plugins/compress/compress.c"
#include "../../plugins/compress/gzip.c"
#include "../../plugins/compress/judge.c"
#include "../../plugins/compress/settings.c"
#ifdef HAVE_BROTLI
#include <brotli/decode.h>

#include "../../plugins/compress/br.c"
#endif
#ifdef HAVE_ZSTD
#include "../../plugins/compress/zstd.c"
#endif

#include "filter_rig.h"

#define TEXT "content-type: text/plain\n"

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

#define GZIP "accept-encoding: gzip\n"
#define VARIES "vary: Accept-Encoding\n"

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

/* Bytes that look like a page: half of them repeat. */
static char *page(size_t size)
{
	char *text = malloc(size + 1);
	uint32_t random = 1;

	for (size_t i = 0; i < size; i++) {
		random = random * 1664525 + 1013904223;
		text[i] = (random >> 16) % 2 == 0 ? "tincan "[i % 7] :
		    (char)('a' + (random >> 24) % 26);
	}
	text[size] = '\0';
	return text;
}

#define TEXT_BYTES (4 << 20)

/* Unpacks what was passed so far into text; its size. *whole: its end is there. */
static size_t unpack_gzip(char *text, bool *whole)
{
	z_stream stream = { .next_in = (const unsigned char *)filter.passed,
		.avail_in = (uInt)filter.passed_size, .next_out = (unsigned char *)text,
		.avail_out = TEXT_BYTES };
	int result;

	ck_assert_int_eq(inflateInit2(&stream, MAX_WBITS + AS_GZIP), Z_OK);
	result = inflate(&stream, Z_SYNC_FLUSH);
	ck_assert_msg(result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR,
	    "inflate: %d", result);
	*whole = result == Z_STREAM_END;
	ck_assert_uint_eq(stream.avail_in, 0);
	inflateEnd(&stream);
	return TEXT_BYTES - stream.avail_out;
}

#ifdef HAVE_BROTLI

static size_t unpack_br(char *text, bool *whole)
{
	BrotliDecoderState *state = BrotliDecoderCreateInstance(NULL, NULL, NULL);
	const uint8_t *in = (const uint8_t *)filter.passed;
	uint8_t *out = (uint8_t *)text;
	size_t in_size = filter.passed_size;
	size_t out_size = TEXT_BYTES;
	BrotliDecoderResult result = BrotliDecoderDecompressStream(state, &in_size, &in,
	    &out_size, &out, NULL);

	ck_assert_int_ne(result, BROTLI_DECODER_RESULT_ERROR);
	ck_assert_uint_eq(in_size, 0);
	*whole = result == BROTLI_DECODER_RESULT_SUCCESS;
	BrotliDecoderDestroyInstance(state);
	return TEXT_BYTES - out_size;
}

#endif
#ifdef HAVE_ZSTD

static size_t unpack_zstd(char *text, bool *whole)
{
	ZSTD_DCtx *context = ZSTD_createDCtx();
	ZSTD_inBuffer in = { filter.passed, filter.passed_size, 0 };
	ZSTD_outBuffer out = { text, TEXT_BYTES, 0 };
	size_t left = 1;

	while (in.pos < in.size && left != 0) {
		left = ZSTD_decompressStream(context, &out, &in);
		ck_assert_msg(!ZSTD_isError(left), "%s", ZSTD_getErrorName(left));
	}
	ck_assert_uint_eq(in.pos, in.size);
	*whole = left == 0;
	ZSTD_freeDCtx(context);
	return out.pos;
}

#endif

/* What a client can read so far, and its size. */
static const char *unpack(size_t *size, bool *whole)
{
	static char text[TEXT_BYTES];
	const char *coding = filter_reply_header(NULL, "content-encoding");

	*size = 0;
	*whole = false;
	if (filter.passed_size == 0) {
		return text;
	}
#ifdef HAVE_BROTLI
	if (strcmp(coding, "br") == 0) {
		*size = unpack_br(text, whole);
		return text;
	}
#endif
#ifdef HAVE_ZSTD
	if (strcmp(coding, "zstd") == 0) {
		*size = unpack_zstd(text, whole);
		return text;
	}
#endif
	ck_assert_str_eq(coding, "gzip");
	*size = unpack_gzip(text, whole);
	return text;
}

static void give(const char *data, size_t size, bool last)
{
	ck_assert_int_eq(tincan_handler_1.on_piece((tc_req *)&filter, data, size, last),
	    TC_OK);
}

static void begin_reply(const char *settings, const char *request, const char *reply)
{
	filter_open(settings);
	filter_begin(HTTP_GET, request);
	ck_assert_int_eq(filter_reply(200, reply), TC_OK);
}

static void end_reply(void)
{
	filter_end();
	filter_close();
}

static void expect_unpacked(const char *text, size_t size, bool all)
{
	size_t unpacked_size;
	bool whole;
	const char *unpacked = unpack(&unpacked_size, &whole);

	ck_assert_uint_eq(unpacked_size, size);
	ck_assert_int_eq(memcmp(unpacked, text, size), 0);
	ck_assert_int_eq(whole, all);
	ck_assert_int_eq(filter.last, all);
}

/* The fields of a request for the coding that a loop test is at. */
static const char *request_for(int i)
{
	static char request[64];

	snprintf(request, sizeof(request), "accept-encoding: %s\n", codings[i]->name);
	return request;
}

START_TEST(a_body_of_any_size_comes_out_again)
{
	static const size_t sizes[] = { 0, 1, 2, 100, 249, 250, 251, 761, 762, 763, 1023,
		1024, 1786, 1787, 16121, 16122, 32505, 32506, 32507, 65535, 65536 };
	char *text = page(65536);

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		char reply[100];

		snprintf(reply, sizeof(reply), TEXT "content-length: %zu\n", sizes[i]);
		begin_reply("{ \"min_bytes\": 0 }", request_for(_i), reply);
		give(text, sizes[i], true);
		expect_unpacked(text, sizes[i], true);
		end_reply();
	}
	free(text);
}
END_TEST

/* Every level, in full pieces and in others, with a length and without. */
START_TEST(a_long_body_comes_out_again)
{
	static const size_t pieces[] = { 65536, 50000, 1000 };
	size_t size = 300000;
	char *text = page(size);

	const struct coding *coding = codings[_i];

	for (int level = coding->min_level; level <= coding->max_level; level++) {
		char settings[100];

		snprintf(settings, sizeof(settings), "{ \"levels\": { \"%s\": %d } }",
		    coding->name, level);
		for (size_t i = 0; i < 6; i++) {
			char reply[100];

			snprintf(reply, sizeof(reply), TEXT "content-length: %zu\n",
			    size);
			begin_reply(settings, request_for(_i), i < 3 ? reply : TEXT);
			for (size_t at = 0; at < size; at += pieces[i % 3]) {
				size_t left = size - at;
				bool last = left <= pieces[i % 3];

				give(text + at, last ? left : pieces[i % 3], last);
			}
			expect_unpacked(text, size, true);
			ck_assert_uint_lt(filter.passed_size, size * 9 / 10);
			end_reply();
		}
	}
	free(text);
}
END_TEST

START_TEST(what_cannot_be_made_smaller_comes_out_again)
{
	size_t size = 1 << 20;
	char *text = malloc(size);
	uint64_t random = 88172645463325252;

	for (size_t i = 0; i < size; i++) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		text[i] = (char)random;
	}
	begin_reply("{}", request_for(_i), TEXT "content-length: 1048576\n");
	for (size_t at = 0; at < size; at += 32768) {
		give(text + at, 32768, at + 32768 == size);
	}
	expect_unpacked(text, size, true);
	ck_assert_uint_lt(filter.passed_size, size + size / 100);
	end_reply();
	free(text);
}
END_TEST

START_TEST(what_is_written_bit_by_bit_arrives_bit_by_bit)
{
	begin_reply("{}", request_for(_i), TEXT);
	give("one", 3, false);
	expect_unpacked("one", 3, false);
	give("two", 3, false);
	expect_unpacked("onetwo", 6, false);
	give(NULL, 0, true);
	expect_unpacked("onetwo", 6, true);
	end_reply();
}
END_TEST

START_TEST(what_has_a_length_waits_for_more)
{
	begin_reply("{}", request_for(_i), TEXT "content-length: 2000\n");
	give("one", 3, false);
	ck_assert_uint_lt(filter.passed_size, 11);	/* the header alone, if that */
	end_reply();
}
END_TEST

START_TEST(a_full_piece_waits_for_more)
{
	char *text = page(65546);
	size_t size;
	bool whole;

	begin_reply("{}", request_for(_i), TEXT);
	give(text, 65536, false);
	unpack(&size, &whole);
	ck_assert_uint_lt(size, 65536);
	give(text + 65536, 10, false);
	expect_unpacked(text, 65546, false);
	end_reply();
	free(text);
}
END_TEST

START_TEST(a_reply_that_breaks_off_leaves_nothing)
{
	begin_reply("{}", request_for(_i), TEXT);
	give("one", 3, false);
	end_reply();		/* what leaks is the sanitizer's to tell */
}
END_TEST

START_TEST(a_reply_that_is_not_as_long_as_said_does_no_harm)
{
	begin_reply("{}", request_for(_i), TEXT "content-length: 2000\n");
	ck_assert_int_le(tincan_handler_1.on_piece((tc_req *)&filter, "short", 5, 1), 0);
	end_reply();
}
END_TEST

static int pass_nothing(tc_req *r, const void *data, size_t size, int last)
{
	(void)r;
	(void)data;
	(void)size;
	(void)last;
	return TC_LIMIT;
}

START_TEST(a_piece_that_is_not_taken_fails_the_reply)
{
	begin_reply("{}", GZIP, TEXT);
	tc.pass = pass_nothing;
	ck_assert_int_eq(tincan_handler_1.on_piece((tc_req *)&filter, "x", 1, 1),
	    TC_LIMIT);
	end_reply();
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
	int count = 0;

	while (codings[count] != NULL) {
		count++;
	}
	tcase_set_timeout(tests, 60);
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
	tcase_add_loop_test(tests, a_body_of_any_size_comes_out_again, 0, count);
	tcase_add_loop_test(tests, a_long_body_comes_out_again, 0, count);
	tcase_add_loop_test(tests, what_cannot_be_made_smaller_comes_out_again, 0, count);
	tcase_add_loop_test(tests, what_is_written_bit_by_bit_arrives_bit_by_bit, 0,
	    count);
	tcase_add_loop_test(tests, what_has_a_length_waits_for_more, 0, count);
	tcase_add_loop_test(tests, a_full_piece_waits_for_more, 0, count);
	tcase_add_loop_test(tests, a_reply_that_breaks_off_leaves_nothing, 0, count);
	tcase_add_loop_test(tests, a_reply_that_is_not_as_long_as_said_does_no_harm, 0,
	    count);
	tcase_add_test(tests, a_piece_that_is_not_taken_fails_the_reply);
	tcase_add_test(tests, without_memory_a_reply_stays_as_it_is);
	tcase_add_test(tests, refuses_settings_that_make_no_sense);
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
