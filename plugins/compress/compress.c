/* SPDX-License-Identifier: MIT */
/*
 * compress: a filter that makes replies smaller for clients that say they can read it:
 * zstd, Brotli, gzip. It shows how a filter changes a body piece by piece. Settings:
 *
 *	codings		["zstd", "br", "gzip"]: those to use, the best first
 *	levels		{ "zstd": 3, "br": 4, "gzip": 5 }: more is smaller and slower
 *	types		["text/html", ...]: the media types that are worth it
 *	min_bytes	1024: what is shorter stays as it is
 *
 * The same content in another coding is another representation: it has a weak entity tag
 * (W/"x" for "x"), which is good for If-None-Match, and no ranges.
 *
 * A secret in a page that also repeats what a stranger has asked for can be guessed by
 * the page's compressed size (the attack BREACH): keep compress from such routes.
 */
#include <stdlib.h>
#include <string.h>

#include "compress.h"

#define PIECE_BYTES 65536	/* of a piece that the server could not make larger */
#define OUT_BYTES 16384

/* A reply on its way; in the request's memory. */
struct job {
	const struct coding *coding;
	void *coder;		/* owned */
	bool flowing;		/* its length is not known: it is being written now */
};

/* The tag of the same content, but not of the same bytes. */
static int weaken_etag(tc_req *r)
{
	const char *etag = tc_printf(r, "W/%s", tc.reply_header(r, "etag"));

	return etag == NULL ? TC_NOMEM : tc.set_header(r, "ETag", etag);
}

static int say_coding(tc_req *r, const struct coding *coding)
{
	int result = tc.set_header(r, "Content-Encoding", coding->name);

	if (result == TC_OK) {
		result = tc.set_header(r, "Content-Length", NULL);
	}
	return result != TC_OK ? result : tc.set_header(r, "Accept-Ranges", NULL);
}

/* The coder of a reply with a body; NULL: no memory, so it stays as it is. */
static struct job *begin_job(tc_req *r, const struct verdict *verdict)
{
	const struct coding *coding = verdict->choice->coding;
	struct job *job = tc.alloc(r, sizeof *job);

	if (job == NULL) {
		return NULL;
	}
	*job = (struct job){ coding, coding->begin(verdict->choice->level,
	    verdict->length), verdict->length < 0 };
	if (job->coder == NULL) {
		return NULL;
	}
	tc.set_data(r, job);
	return job;
}

static int change_header(tc_req *r, const struct verdict *verdict, int status,
    bool compressed)
{
	int result = TC_OK;

	if (verdict->varies && !judge_vary(r)) {
		result = tc.add_header(r, "Vary", "Accept-Encoding");
	}
	if (result == TC_OK && judge_etag(r, status, compressed)) {
		result = weaken_etag(r);
	}
	if (result == TC_OK && compressed) {
		result = say_coding(r, verdict->choice->coding);
	}
	return result;
}

static int on_reply(tc_req *r, int status)
{
	struct verdict verdict = judge(r, tc.state(r), status);
	bool is_head = strcmp(tc.method(r), "HEAD") == 0;	/* has a GET's fields */
	bool compressed = verdict.choice != NULL &&
	    (is_head || begin_job(r, &verdict) != NULL);
	int result = change_header(r, &verdict, status, compressed);

	/* TC_NEXT: its body is none of our business, and is as long as it was. */
	return result == TC_OK && !compressed ? TC_NEXT : result;
}

/*
 * What is written bit by bit is to arrive bit by bit: a piece that could have been larger
 * means that there is no more at present. Of what has a length all is there, and looking
 * far makes it smallest.
 */
static int on_piece(tc_req *r, const void *data, size_t size, int last)
{
	struct job *job = tc.data(r);
	struct span span = { .in = size > 0 ? data : "", .in_size = size };
	enum how how = last ? HOW_END :
	    job->flowing && size < PIECE_BYTES ? HOW_FLUSH : HOW_MORE;
	int step = STEP_MORE;
	int result = TC_OK;

	while (step == STEP_MORE && result == TC_OK) {
		unsigned char out[OUT_BYTES];
		bool all;

		span.out = out;
		span.out_size = sizeof out;
		step = job->coding->step(job->coder, &span, how);
		all = last && step == STEP_DONE;
		if (step < 0) {
			result = TC_FAIL;
		} else if (span.out > out || all) {
			result = tc.pass(r, out, (size_t)(span.out - out), all);
		}
	}
	return result;
}

static void on_done(tc_req *r)
{
	struct job *job = tc.data(r);

	if (job != NULL) {
		job->coding->end(job->coder);
	}
}

static void close_filter(void *state)
{
	compress_release(state);
	free(state);
}

static int open_filter(tc_conf *cf, void **state)
{
	struct compress *compress = calloc(1, sizeof *compress);
	int result;

	if (compress == NULL) {
		return TC_NOMEM;
	}
	result = compress_read(cf, compress);
	if (result != TC_OK) {
		close_filter(compress);
		return result;
	}
	*state = compress;
	return TC_OK;
}

TINCAN_HANDLER("compress",
	.version = "1.0",
	.about = "a filter that compresses replies: zstd, Brotli, gzip",
	.on_open = open_filter,
	.on_close = close_filter,
	.on_reply = on_reply,
	.on_piece = on_piece,
	.on_done = on_done);
