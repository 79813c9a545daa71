/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the filter compress share. One reply walks through them in this
 * order: compress.c asks judge.c whether to compress it at all and into what, then feeds
 * its body piece by piece to the coder of gzip.c, br.c or zstd.c.
 */
#ifndef TINCAN_PLUGINS_COMPRESS_H
#define TINCAN_PLUGINS_COMPRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tincan/handler.h>

/* What a coder is to do with the bytes it is given. */
enum how {
	HOW_MORE,		/* keep them as long as that makes the result smaller */
	HOW_FLUSH,		/* give out whatever the client needs to read them now */
	HOW_END			/* these were the last */
};

/* Bytes on their way through a coder, which moves the two forward. */
struct span {
	const unsigned char *in;
	size_t in_size;
	unsigned char *out;
	size_t out_size;	/* room that is left */
};

enum { STEP_DONE, STEP_MORE };	/* STEP_MORE: call again, with room */

/* A way to compress: a row of the table in codings.c. */
struct coding {
	const char *name;	/* as in Content-Encoding */
	int min_level, max_level, default_level;
	/* A coder, owned, for content of that length, -1 if it is not known. NULL: out
	 * of memory. */
	void *(*begin)(int level, int64_t length);
	/* STEP_DONE when all of span is taken, and is out as far as how asks; STEP_MORE;
	 * or TC_FAIL. */
	int (*step)(void *coder, struct span *span, enum how how);
	void (*end)(void *coder);
};

extern const struct coding coding_br;
extern const struct coding coding_gzip;
extern const struct coding coding_zstd;

#define MAX_CODINGS 3

/* Those that this build has, the one that we would rather use first. NULL-ended. */
extern const struct coding *const codings[MAX_CODINGS + 1];

/* The coders may look back as far as this: what one remembers of a reply is bounded. */
#define WINDOW_BITS 18

struct choice {
	const struct coding *coding;
	int level;
};

/* The state of one instance; texts are the settings', borrowed until on_close. */
struct compress {
	struct choice choices[MAX_CODINGS];	/* the best first */
	size_t choice_count;
	const char **types;	/* owned; media types, or patterns of them with "*" */
	size_t type_count;
	int64_t min_bytes;
};

/* settings.c: TC_OK, TC_INVALID, TC_NOMEM. */
int compress_read(tc_conf *cf, struct compress *compress);
void compress_release(struct compress *compress);

/* judge.c */

struct verdict {
	bool varies;		/* another Accept-Encoding might get another reply */
	const struct choice *choice;	/* NULL: it stays as it is */
	int64_t length;		/* of the content; -1: not known */
};

/* What to do with the reply whose header is ready in r; in on_reply only. */
struct verdict judge(const tc_req *r, const struct compress *compress, int status);
/* Does its Vary say already what verdict.varies is about? */
bool judge_vary(const tc_req *r);
/* Is its entity tag, of the content as it was, that of another representation: the
 * compressed one that goes out, or that the client of this 304 has? */
bool judge_etag(const tc_req *r, int status, bool compressed);

#endif
