/* SPDX-License-Identifier: MIT */
/* Memory for what nobody else may see. */
#define _GNU_SOURCE 1
#include "os/secret.h"

#include <string.h>
#include <sys/mman.h>

#include "base/memory.h"

void *secret_new(size_t bytes, bool shared)
{
	int flags = MAP_ANONYMOUS | (shared ? MAP_SHARED : MAP_PRIVATE);
	void *secret = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);

	if (secret == MAP_FAILED) {
		memory_exhausted();
	}
	/* Each of these can be refused by a kernel or a limit; it works without. */
	(void)mlock(secret, bytes);
	(void)madvise(secret, bytes, MADV_DONTDUMP);
	if (!shared) {
		(void)madvise(secret, bytes, MADV_DONTFORK);
	}
	return secret;
}

void secret_free(void *secret, size_t bytes)
{
	if (secret != NULL) {
		explicit_bzero(secret, bytes);
		(void)munmap(secret, bytes);
	}
}

void secret_protect(void *secret, size_t bytes)
{
	(void)mprotect(secret, bytes, PROT_READ);
}
