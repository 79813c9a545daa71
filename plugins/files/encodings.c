/* SPDX-License-Identifier: MIT */
/*
 * Precompressed files: next to "app.js" may lie "app.js.br", "app.js.zst", "app.js.gz".
 * The client's Accept-Encoding decides which of them it gets; it is the same resource in
 * another encoding, with a validator of its own (it is another inode).
 */
#include "files.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "../accept.h"

struct encoding {
	const char *coding;
	const char *suffix;
};

/* In the order that we prefer where the client has no preference: the smallest first. */
static const struct encoding encodings[] = {
	{ "br", ".br" }, { "zstd", ".zst" }, { "gzip", ".gz" }
};

#define ENCODINGS (sizeof encodings / sizeof *encodings)

/* Puts name + suffix in the place of file, if it is there and up to date. */
static bool take_variant(tc_req *r, struct folder *folder, const char *name,
    const struct encoding *encoding, struct file *file)
{
	struct file variant;
	char *path = tc_printf(r, "%s%s", name, encoding->suffix);

	if (path == NULL || file_open(folder, path, 0, &variant) != 0) {
		return false;
	}
	/* One that is older was made from an older original: better large than wrong.
	 * Whole seconds, since archives and many file systems keep no more. */
	if (!S_ISREG(variant.st.st_mode) || variant.st.st_mtime < file->st.st_mtime) {
		close(variant.fd);
		return false;
	}
	close(file->fd);
	file->fd = variant.fd;
	file->st = variant.st;
	file->coding = encoding->coding;
	return true;
}

void encoding_choose(tc_req *r, struct folder *folder, const char *name,
    struct file *file)
{
	int weights[ENCODINGS];
	int least;

	tc.add_header(r, "Vary", "Accept-Encoding");
	if (tc.header(r, "accept-encoding") == NULL) {
		return;
	}
	for (size_t i = 0; i < ENCODINGS; i++) {
		weights[i] = accept_coding(r, encodings[i].coding);
	}
	least = accept_plain(r);
	for (size_t tries = 0; tries < ENCODINGS; tries++) {
		size_t best = 0;

		for (size_t i = 1; i < ENCODINGS; i++) {
			best = weights[i] > weights[best] ? i : best;
		}
		if (weights[best] < least ||
		    take_variant(r, folder, name, &encodings[best], file)) {
			return;
		}
		weights[best] = 0;
	}
}
