/* SPDX-License-Identifier: MIT */
/* A file of certificates or a key. */
#include "tls/pem_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "base/memory.h"
#include "os/file.h"

static const char *read_open(int fd, char *out, size_t max, size_t *size)
{
	return file_read(fd, out, max + 1, size) != 0 ? strerror(errno) :
	    *size > max ? "it is too large" : *size == 0 ? "it is empty" : NULL;
}

char *pem_file_read(const char *path, size_t max, size_t *size, const char **why)
{
	/* Not waiting for who writes to a FIFO. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char *content = NULL;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0) {
		*why = strerror(errno);
	} else if (!S_ISREG(st.st_mode)) {
		*why = S_ISDIR(st.st_mode) ? strerror(EISDIR) : "it is no regular file";
	} else {
		content = memory_new(1, max + 2);
		*why = read_open(fd, content, max, size);
		content[*size] = '\0';
	}
	if (content != NULL && *why != NULL) {
		OPENSSL_cleanse(content, *size);
		free(content);
		content = NULL;
	}
	if (fd >= 0) {
		close(fd);
	}
	return content;
}
