/* SPDX-License-Identifier: MIT */
/* The filter compress, as its tests run it. */
#ifndef TINCAN_TESTS_COMPRESS_RIG_H
#define TINCAN_TESTS_COMPRESS_RIG_H

#include "../../plugins/compress/codings.c"
#include "../../plugins/compress/compress.c"
#include "../../plugins/compress/gzip.c"
#include "../../plugins/compress/judge.c"
#include "../../plugins/compress/settings.c"
#ifdef HAVE_BROTLI
#include "../../plugins/compress/br.c"
#endif
#ifdef HAVE_ZSTD
#include "../../plugins/compress/zstd.c"
#endif

#include "filter_rig.h"

#define TEXT "content-type: text/plain\n"
#define GZIP "accept-encoding: gzip\n"
#define VARIES "vary: Accept-Encoding\n"

#endif
