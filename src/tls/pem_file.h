/* SPDX-License-Identifier: MIT */
/* A file of certificates or a key, read as a whole: whatever its name stands for, that
 * neither hangs nor fills the memory. Preflight. */
#ifndef TINCAN_TLS_PEM_FILE_H
#define TINCAN_TLS_PEM_FILE_H

#include <stddef.h>

#include "base/error.h"

#define PEM_CHAIN_MAX ((size_t)256 << 10)
#define PEM_KEY_MAX ((size_t)64 << 10)
#define PEM_CAS_MAX ((size_t)4 << 20)
#define PEM_LISTS_MAX ((size_t)32 << 20)

/* Its content, owned by the caller, with a NUL behind it; or NULL, and *why says why. */
char *pem_file_read(const char *path, size_t max, size_t *size, const char **why);

#endif
