/* SPDX-License-Identifier: MIT */
/* Files that are read as a whole. */
#ifndef TINCAN_OS_FILE_H
#define TINCAN_OS_FILE_H

#include <stddef.h>

#include "base/error.h"

/*
 * Reads a file from its beginning, wherever it was read up to before, until its end or
 * max bytes. *size is what there was, whatever is returned; max: there may be more.
 *
 * @return 0, or ERR_SYSTEM with errno
 */
int file_read(int fd, void *out, size_t max, size_t *size) MUST_USE;

#endif
