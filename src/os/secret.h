/* SPDX-License-Identifier: MIT */
/*
 * Memory for what nobody else may see: it is in no core dump, on no swap device if the
 * kernel lets us lock it, and wiped at its end. Master, workers. Lifetime: boot.
 */
#ifndef TINCAN_OS_SECRET_H
#define TINCAN_OS_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Zeroed memory of that many bytes; aborts if the kernel gives none.
 *
 * @param shared	children share it; else it is not even there in a child that is
 *	forked, which must not touch it
 */
void *secret_new(size_t bytes, bool shared);

/* Wipes it, too. NULL is accepted. */
void secret_free(void *secret, size_t bytes);

/* From now on this process can only read it. */
void secret_protect(void *secret, size_t bytes);

#endif
