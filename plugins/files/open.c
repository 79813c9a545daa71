/* SPDX-License-Identifier: MIT */
/*
 * From a name that a client chose to an open file. The kernel holds the line, not string
 * handling: openat2 resolves the whole name below the root or fails, whatever "..",
 * symbolic links and renames in the middle of it try.
 */
#define _GNU_SOURCE 1	/* O_PATH */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <strings.h>
#include <sys/syscall.h>
#include <unistd.h>

#define REOPEN_MS 1000
#define RACES 8		/* EAGAIN: a rename met a ".." of a symbolic link on its way */

/*
 * Opens the root anew once in a while, so that an operator who puts another folder or
 * symbolic link in its place, as deployments do, need not tell us. Between two looks the
 * descriptor saves resolving the root's own name for every request.
 */
static int root_fd(struct folder *folder)
{
	if (tc.now() - folder->opened_ms >= REOPEN_MS) {
		folder_open(folder);	/* a root that is gone leaves the old one */
	}
	return folder->root_fd;
}

int folder_open(struct folder *folder)
{
	int fd;

	folder->opened_ms = tc.now();
	fd = open(folder->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		return TC_FAIL;
	}
	if (folder->root_fd >= 0) {
		close(folder->root_fd);
	}
	folder->root_fd = fd;
	return TC_OK;
}

/* Does it start with a dot? But ".well-known" (RFC 8615) is there to be seen. */
static bool segment_hidden(const char *segment, size_t size)
{
	static const char known[] = ".well-known";

	return segment[0] == '.' &&
	    !(size == sizeof known - 1 && memcmp(segment, known, size) == 0);
}

bool name_allowed(const struct folder *folder, const char *name)
{
	size_t size;

	/* An encoded slash is a part of a name, and no file has a slash in its name. */
	if (strcasestr(name, "%2f") != NULL) {
		return false;
	}
	for (; *name != '\0'; name += size + (name[size] == '/')) {
		size = strcspn(name, "/");
		if (size == 0 || (!folder->hidden && segment_hidden(name, size))) {
			return false;
		}
	}
	return true;
}

static int open_beneath(const struct folder *folder, int root, const char *name,
    int flags)
{
	struct open_how how = {
		/* A FIFO must not make us wait, nor a terminal become ours. */
		.flags = (uint64_t)(flags | O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS |
		    (folder->symlinks ? 0 : RESOLVE_NO_SYMLINKS)
	};
	long fd;

	if (flags & O_PATH) {	/* which takes no other flags than these */
		how.flags = O_PATH | O_CLOEXEC;
	}
	for (int i = 0; i < RACES; i++) {
		fd = syscall(SYS_openat2, root, name, &how, sizeof how);
		if (fd >= 0 || errno != EAGAIN) {
			return (int)fd;
		}
	}
	return -1;
}

/* What a failed open means to a client. Links that we refuse look like nothing at all. */
static int status_of(int error)
{
	switch (error) {
	case EACCES:
	case EPERM:
		return 403;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case EAGAIN:
		return 503;
	default:
		return 404;
	}
}

int file_open(struct folder *folder, const char *name, int flags, struct file *file)
{
	int root = root_fd(folder);

	*file = (struct file){ .fd = -1 };
	file->fd = open_beneath(folder, root, *name != '\0' ? name : ".", flags);
	if (file->fd < 0) {
		return status_of(errno);
	}
	if (fstat(file->fd, &file->st) == 0 &&
	    (S_ISREG(file->st.st_mode) || S_ISDIR(file->st.st_mode))) {
		return 0;
	}
	close(file->fd);
	file->fd = -1;
	return 404;
}
