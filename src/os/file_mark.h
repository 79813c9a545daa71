/* SPDX-License-Identifier: MIT */
/* Has a file changed? To be asked again and again, without opening it. */
#ifndef TINCAN_OS_FILE_MARK_H
#define TINCAN_OS_FILE_MARK_H

#include <stdint.h>

/* A number that changes when the file is written, replaced, removed, or its mode is
 * changed. */
uint64_t file_mark(const char *path);

#endif
