/* SPDX-License-Identifier: MIT */
/*
 * Unix sockets that are listened on. A path that begins with "@" is a name of Linux's
 * abstract ones, which have no file.
 */
#ifndef TINCAN_OS_UNIX_SOCKET_H
#define TINCAN_OS_UNIX_SOCKET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

#define UNIX_SOCKET_PATH_MAX 107	/* bytes of a path, or of "@" and a name */
#define UNIX_SOCKET_WHY_BYTES 256

/* The file of a socket, so that no other that has come in its place is taken for it;
 * inode 0: it has none. */
struct unix_file {
	dev_t device;
	ino_t inode;
};

/* Who may connect. */
struct unix_access {
	uint32_t mode;		/* permissions of the file: 0660 */
	const char *owner;	/* "user", "user:group", ":group"; NULL: as it comes */
};

/*
 * Makes a listening, non-blocking socket at path. What a server that is no more has left
 * there is replaced; a socket on which another listens, or anything else, stays.
 *
 * @return 0, or ERR_SYSTEM with the reason in why
 */
int unix_socket_listen(const char *path, const struct unix_access *access, int *fd,
    struct unix_file *file, char why[UNIX_SOCKET_WHY_BYTES]) MUST_USE;

/* The file at path, for one that was made by another process. */
void unix_socket_find(const char *path, struct unix_file *file);

/* Gives the file, if it is still that one, other permissions. As unix_socket_listen. */
int unix_socket_admit(const char *path, const struct unix_access *access,
    const struct unix_file *file, char why[UNIX_SOCKET_WHY_BYTES]) MUST_USE;

/* Removes it, if it is still that one. */
void unix_socket_remove(const char *path, const struct unix_file *file);

#endif
