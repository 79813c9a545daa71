/* SPDX-License-Identifier: MIT */
/* The programs that the master starts. */
#include "master/program.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOWEST 10

static int open_at(const char *path)
{
	int fd = open(path, O_PATH | O_CLOEXEC);
	int high = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, LOWEST);

	if (fd >= 0) {
		close(fd);
	}
	return high;
}

static int open_beside(const char *name)
{
	char self[PATH_MAX];
	char path[PATH_MAX];
	ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (size < 0) {
		return -1;
	}
	self[size] = '\0';
	slash = strrchr(self, '/');
	if (slash == NULL || snprintf(path, sizeof(path), "%.*s/%s", (int)(slash - self),
	    self, name) >= (int)sizeof(path)) {
		return -1;
	}
	return open_at(path);
}

int program_open(const char *name, const char *installed, const char *purpose,
    struct problems *problems)
{
	int fd = open_beside(name);

	if (fd < 0) {
		fd = open_at(installed);
	}
	if (fd < 0) {
		problems_add(problems, name, "it is built and installed with tincan",
		    "cannot find the program that %s, neither beside tincan nor as "
		    "'%s': %s", purpose, installed, strerror(errno));
	}
	return fd;
}

void program_close_others(int last, int program_fd)
{
	(void)close_range((unsigned)last + 1, (unsigned)program_fd - 1, 0);
	(void)close_range((unsigned)program_fd + 1, UINT_MAX, 0);
}
