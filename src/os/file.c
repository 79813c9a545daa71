/* SPDX-License-Identifier: MIT */
/* Files that are read as a whole. */
#include "os/file.h"

#include <errno.h>
#include <unistd.h>

int file_read(int fd, void *out, size_t max, size_t *size)
{
	ssize_t got = 1;

	*size = 0;
	if (lseek(fd, 0, SEEK_SET) != 0) {
		return ERR_SYSTEM;
	}
	while (got > 0 && *size < max) {
		do {
			got = read(fd, (char *)out + *size, max - *size);
		} while (got < 0 && errno == EINTR);
		*size += got > 0 ? (size_t)got : 0;
	}
	return got < 0 ? ERR_SYSTEM : 0;
}
