/* SPDX-License-Identifier: MIT */
/* The key log. */
#include "tls/key_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/memory.h"
#include "tls/session.h"

static void tell(const struct config *config, struct problems *problems)
{
	char *where = memory_printf("%s: tls.key_log", config->file);

	problems_warn(problems, where, "for a search of faults only: take it out again",
	    "the secrets of all connections are written to '%s': who reads it can "
	    "decrypt them", config->tls_key_log);
	free(where);
}

static void refuse(const struct config *config, struct problems *problems,
    const char *hint, const char *why)
{
	char *where = memory_printf("%s: tls.key_log", config->file);

	problems_add(problems, where, hint, "cannot write '%s': %s", config->tls_key_log,
	    why);
	free(where);
}

int tls_key_log_open(const struct config *config, struct problems *problems)
{
	struct stat st;
	int fd;

	if (config->tls_key_log == NULL) {
		return -1;
	}
	fd = open(config->tls_key_log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC |
	    O_NOCTTY | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd < 0 || fstat(fd, &st) != 0) {
		refuse(config, problems, NULL, strerror(errno));
	} else if (!S_ISREG(st.st_mode)) {
		refuse(config, problems, NULL, "it is no file");
	} else if ((st.st_mode & 077) != 0) {
		refuse(config, problems, "chmod 600", "others may read or write it");
	} else {
		tell(config, problems);
		return fd;
	}
	if (fd >= 0) {
		close(fd);
	}
	return -1;
}

/* One call a line, so that those of several workers do not mix. What the disk does not
 * take is lost: no connection fails for it. */
static void write_line(const SSL *ssl, const char *line)
{
	const struct tls_session *session = SSL_get_app_data(ssl);
	struct iovec parts[] = { { (void *)line, strlen(line) }, { (void *)"\n", 1 } };

	(void)!writev(session->context->key_log_fd, parts, 2);
}

void tls_key_log_use(SSL_CTX *ssl)
{
	SSL_CTX_set_keylog_callback(ssl, write_line);
}
