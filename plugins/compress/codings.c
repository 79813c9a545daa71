/* SPDX-License-Identifier: MIT */
/* The codings of this build: zlib is always there, the others where configure found them.
 * zstd comes first: it is the fastest here, and not the worst. */
#include "compress.h"

const struct coding *const codings[MAX_CODINGS + 1] = {
#ifdef HAVE_ZSTD
	&coding_zstd,
#endif
#ifdef HAVE_BROTLI
	&coding_br,
#endif
	&coding_gzip,
};
