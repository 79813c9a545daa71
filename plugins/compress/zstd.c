/* SPDX-License-Identifier: MIT */
/* The coding zstd (RFC 8878), by libzstd. RFC 9659: a window of 8 MiB at most, so that
 * every client can read it; ours is far below. */
#include <zstd.h>

#include "compress.h"

/* From 13 on a piece would take so long that all others wait. */
#define ZSTD_MAX_LEVEL 12
/* Tables for more than the window hold nothing more, but the higher levels take them,
 * 50 MiB at worst, if they are not told otherwise. */
#define TABLE_LEVEL 7		/* the first of these */
#define TABLE_BITS 18

static void *begin_zstd(int level, int64_t length)
{
	ZSTD_CCtx *context = ZSTD_createCCtx();

	if (context == NULL) {
		return NULL;
	}
	/* Within the ranges of every version; a length lets it take smaller tables. */
	ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
	ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, WINDOW_BITS);
	if (level >= TABLE_LEVEL) {
		ZSTD_CCtx_setParameter(context, ZSTD_c_hashLog, TABLE_BITS);
		ZSTD_CCtx_setParameter(context, ZSTD_c_chainLog, TABLE_BITS);
	}
	if (length >= 0) {
		ZSTD_CCtx_setPledgedSrcSize(context, (unsigned long long)length);
	}
	return context;
}

static int step_zstd(void *coder, struct span *span, enum how how)
{
	static const ZSTD_EndDirective directives[] = { [HOW_MORE] = ZSTD_e_continue,
		[HOW_FLUSH] = ZSTD_e_flush, [HOW_END] = ZSTD_e_end };
	ZSTD_inBuffer in = { span->in, span->in_size, 0 };
	ZSTD_outBuffer out = { span->out, span->out_size, 0 };
	size_t left = ZSTD_compressStream2(coder, &out, &in, directives[how]);

	if (ZSTD_isError(left)) {
		return TC_FAIL;		/* out of memory, or not the length it was told */
	}
	span->in += in.pos;
	span->in_size -= in.pos;
	span->out += out.pos;
	span->out_size -= out.pos;
	return span->in_size == 0 && (how == HOW_MORE || left == 0) ? STEP_DONE :
	    STEP_MORE;
}

static void end_zstd(void *coder)
{
	ZSTD_freeCCtx(coder);
}

const struct coding coding_zstd = {
	.name = "zstd", .min_level = 1, .max_level = ZSTD_MAX_LEVEL, .default_level = 3,
	.begin = begin_zstd, .step = step_zstd, .end = end_zstd };
