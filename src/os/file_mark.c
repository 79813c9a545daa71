/* SPDX-License-Identifier: MIT */
/* Has a file changed? */
#include "os/file_mark.h"

#include <sys/stat.h>

#include "base/hash.h"

static uint64_t add_number(uint64_t sum, uint64_t number)
{
	return hash_fold(sum ^ number, HASH_BLOCK);
}

uint64_t file_mark(const char *path)
{
	uint64_t sum = HASH_LAST;
	struct stat st;

	if (stat(path, &st) != 0) {
		return 0;
	}
	sum = add_number(sum, (uint64_t)st.st_dev);
	sum = add_number(sum, (uint64_t)st.st_ino);
	sum = add_number(sum, (uint64_t)st.st_size);
	sum = add_number(sum, (uint64_t)st.st_mtim.tv_sec);
	sum = add_number(sum, (uint64_t)st.st_mtim.tv_nsec);
	sum = add_number(sum, (uint64_t)st.st_ctim.tv_sec);
	return add_number(sum, (uint64_t)st.st_ctim.tv_nsec);
}
