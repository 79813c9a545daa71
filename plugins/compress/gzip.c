/* SPDX-License-Identifier: MIT */
/* The coding gzip (RFC 9110 section 8.4.1.3), by zlib. */
#include <stdlib.h>

#define ZLIB_CONST 1	/* it does not write to its input */
#include <zlib.h>

#include "compress.h"

#define MAX_WINDOW 15
#define MIN_WINDOW 9
#define MAX_MEMORY 8		/* zlib's "memLevel" */
#define LOOK_AHEAD 262		/* what deflate wants of a window beyond the content */
#define AS_GZIP 16		/* added to the window's bits */

/* A small reply needs no large tables, and setting them up is most of its cost. */
static int gzip_window(int64_t length)
{
	int bits = MAX_WINDOW;

	while (length >= 0 && bits > MIN_WINDOW &&
	    length <= (1 << (bits - 1)) - LOOK_AHEAD) {
		bits--;
	}
	return bits;
}

static void *begin_gzip(int level, int64_t length)
{
	int window = gzip_window(length);
	z_stream *stream = calloc(1, sizeof *stream);

	if (stream != NULL && deflateInit2(stream, level, Z_DEFLATED, window + AS_GZIP,
	    MAX_MEMORY - (MAX_WINDOW - window), Z_DEFAULT_STRATEGY) != Z_OK) {
		free(stream);
		return NULL;
	}
	return stream;
}

static int step_gzip(void *coder, struct span *span, enum how how)
{
	static const int flushes[] = { [HOW_MORE] = Z_NO_FLUSH,
		[HOW_FLUSH] = Z_SYNC_FLUSH, [HOW_END] = Z_FINISH };
	z_stream *stream = coder;
	int result;

	stream->next_in = span->in;
	stream->avail_in = (uInt)span->in_size;
	stream->next_out = span->out;
	stream->avail_out = (uInt)span->out_size;
	result = deflate(stream, flushes[how]);
	span->in = stream->next_in;
	span->in_size = stream->avail_in;
	span->out = stream->next_out;
	span->out_size = stream->avail_out;
	if (result == Z_STREAM_ERROR) {
		return TC_FAIL;
	}
	if (how == HOW_END) {
		return result == Z_STREAM_END ? STEP_DONE : STEP_MORE;
	}
	return stream->avail_out > 0 ? STEP_DONE : STEP_MORE;
}

static void end_gzip(void *coder)
{
	deflateEnd(coder);
	free(coder);
}

const struct coding coding_gzip = {
	.name = "gzip", .min_level = 1, .max_level = 9, .default_level = 5,
	.begin = begin_gzip, .step = step_gzip, .end = end_gzip };
