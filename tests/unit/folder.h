/* SPDX-License-Identifier: MIT */
/* Folders of a test's own. */
#ifndef TINCAN_TESTS_FOLDER_H
#define TINCAN_TESTS_FOLDER_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "unit.h"

#define FOLDER_BYTES 32

/* Makes an empty one, and writes its path. */
static inline void folder_make(char path[FOLDER_BYTES])
{
	snprintf(path, FOLDER_BYTES, "/tmp/tincan-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(path));
}

static inline int folder_remove_one(const char *path, const struct stat *status, int type,
    struct FTW *place)
{
	(void)status;
	(void)type;
	(void)place;
	return remove(path);
}

/* Removes it with all that is in it. */
static inline void folder_remove(const char *path)
{
	ck_assert_int_eq(nftw(path, folder_remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* What is in a file of that path, as text; static, until the next call. */
static inline const char *folder_text(const char *path)
{
	static char text[65536];
	FILE *in = fopen(path, "r");
	size_t size;

	ck_assert_msg(in != NULL, "%s is not there", path);
	size = fread(text, 1, sizeof(text) - 1, in);
	fclose(in);
	text[size] = '\0';
	return text;
}

#endif
