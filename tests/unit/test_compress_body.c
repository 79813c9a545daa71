/* SPDX-License-Identifier: MIT */
/* The filter compress: every piece of every coding comes out again as it went in. */
#include "compress_rig.h"

#ifdef HAVE_BROTLI
#include <brotli/decode.h>
#endif

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

int main(void)
{
	Suite *suite = suite_create("compress_body");
	TCase *tests = tcase_create("compress_body");
	int count = 0;

	while (codings[count] != NULL) {
		count++;
	}
	tcase_set_timeout(tests, 60);
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
	suite_add_tcase(suite, tests);
	return unit_run(suite);
}
