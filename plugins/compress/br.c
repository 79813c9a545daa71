/* SPDX-License-Identifier: MIT */
/* The coding br, Brotli (RFC 7932), by libbrotlienc. */
#include <brotli/encode.h>

#include "compress.h"

/* Higher levels are for files that are compressed once: they take up to 40 MB, and so
 * long for a piece that all others wait. */
#define BR_MAX_LEVEL 6
/* The same of contents that seem to be so long. */
#define MAX_HINT (1 << 17)

static uint32_t br_window(int64_t length)
{
	uint32_t bits = WINDOW_BITS;

	while (length >= 0 && bits > BROTLI_MIN_WINDOW_BITS &&
	    length <= (1 << (bits - 1)) - 16) {	/* RFC 7932 section 9.1 */
		bits--;
	}
	return bits;
}

static void *begin_br(int level, int64_t length)
{
	BrotliEncoderState *state = BrotliEncoderCreateInstance(NULL, NULL, NULL);
	uint32_t hint = length < 0 ? 0 : length > MAX_HINT ? MAX_HINT : (uint32_t)length;

	if (state != NULL) {
		BrotliEncoderSetParameter(state, BROTLI_PARAM_QUALITY, (uint32_t)level);
		BrotliEncoderSetParameter(state, BROTLI_PARAM_LGWIN, br_window(length));
		BrotliEncoderSetParameter(state, BROTLI_PARAM_SIZE_HINT, hint);
	}
	return state;
}

static int step_br(void *coder, struct span *span, enum how how)
{
	static const BrotliEncoderOperation operations[] = {
		[HOW_MORE] = BROTLI_OPERATION_PROCESS,
		[HOW_FLUSH] = BROTLI_OPERATION_FLUSH,
		[HOW_END] = BROTLI_OPERATION_FINISH };

	if (!BrotliEncoderCompressStream(coder, operations[how], &span->in_size,
	    &span->in, &span->out_size, &span->out, NULL)) {
		return TC_FAIL;
	}
	if (how == HOW_END) {
		return BrotliEncoderIsFinished(coder) ? STEP_DONE : STEP_MORE;
	}
	return span->in_size == 0 && !BrotliEncoderHasMoreOutput(coder) ? STEP_DONE :
	    STEP_MORE;
}

static void end_br(void *coder)
{
	BrotliEncoderDestroyInstance(coder);
}

const struct coding coding_br = {
	.name = "br", .min_level = 0, .max_level = BR_MAX_LEVEL, .default_level = 4,
	.begin = begin_br, .step = step_br, .end = end_br };
