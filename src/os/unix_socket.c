/* SPDX-License-Identifier: MIT */
/* Unix sockets that are listened on. */
#define _GNU_SOURCE 1
#include "os/unix_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "os/socket.h"
#include "os/user.h"

#define BACKLOG 4096		/* the kernel cuts it to net.core.somaxconn */

struct place {
	struct sockaddr_un address;
	socklen_t size;
};

static bool is_abstract(const char *path)
{
	return path[0] == '@';
}

/* What errno says; always ERR_SYSTEM. */
static int say_error(char *why)
{
	snprintf(why, UNIX_SOCKET_WHY_BYTES, "%s", strerror(errno));
	return ERR_SYSTEM;
}

static int set_place(const char *path, struct place *place)
{
	size_t size = strlen(path);

	if (size > UNIX_SOCKET_PATH_MAX) {
		errno = ENAMETOOLONG;
		return ERR_SYSTEM;
	}
	place->address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(place->address.sun_path, path, size);
	if (is_abstract(path)) {
		place->address.sun_path[0] = '\0';
	} else {
		size++;
	}
	place->size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
	return 0;
}

static int new_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* Is there somebody who listens? errno if not. */
static bool is_served(const struct place *place, char *why)
{
	int fd = new_socket();
	struct ucred peer = { 0, (uid_t)-1, (gid_t)-1 };
	socklen_t size = sizeof(peer);
	char name[32];
	int error = 0;

	if (connect(fd, (const struct sockaddr *)&place->address, place->size) != 0) {
		error = errno;
	}
	(void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
	close(fd);
	if (error != 0 && error != EAGAIN) {
		errno = error;
		return false;
	}
	/* Who listens now is another process than who began to, after an upgrade. */
	socket_process_name(error == 0 ? peer.pid : 0, name, sizeof(name));
	if (name[0] != '\0') {
		snprintf(why, UNIX_SOCKET_WHY_BYTES, "in use by process %d (%s)",
		    (int)peer.pid, name);
	} else {
		snprintf(why, UNIX_SOCKET_WHY_BYTES, "in use by another process");
	}
	return true;
}

/* Removes what a server that is no more has left behind. */
static int clear_place(const char *path, const struct place *place, char *why)
{
	struct stat status;

	if (lstat(path, &status) != 0) {
		return errno == ENOENT ? 0 : say_error(why);
	}
	if (!S_ISSOCK(status.st_mode)) {
		snprintf(why, UNIX_SOCKET_WHY_BYTES, "there is a file that is no socket");
		return ERR_SYSTEM;
	}
	if (is_served(place, why)) {
		return ERR_SYSTEM;
	}
	return errno == ECONNREFUSED && unlink(path) == 0 ? 0 : say_error(why);
}

static int give(const char *path, const char *owner, char *why)
{
	const char *colon = strchrnul(owner, ':');
	char user[UNIX_SOCKET_PATH_MAX];
	unsigned uid = (unsigned)-1;
	unsigned gid = (unsigned)-1;

	snprintf(user, sizeof(user), "%.*s", (int)(colon - owner), owner);
	if (user[0] != '\0' && !user_find_id(user, false, &uid)) {
		snprintf(why, UNIX_SOCKET_WHY_BYTES, "there is no user '%.64s'", user);
		return ERR_SYSTEM;
	}
	if (*colon == ':' && !user_find_id(colon + 1, true, &gid)) {
		snprintf(why, UNIX_SOCKET_WHY_BYTES, "there is no group '%.64s'",
		    colon + 1);
		return ERR_SYSTEM;
	}
	if (lchown(path, uid, gid) != 0) {
		snprintf(why, UNIX_SOCKET_WHY_BYTES, "cannot give it to '%.64s': %s",
		    owner, strerror(errno));
		return ERR_SYSTEM;
	}
	return 0;
}

/* Nobody can connect before it listens, and then the file has its owner and mode. */
static int bind_file(const char *path, const struct place *place,
    const struct unix_access *access, int fd, char *why)
{
	mode_t before = umask(0777 & ~access->mode);
	int rc = bind(fd, (const struct sockaddr *)&place->address, place->size);

	umask(before);
	if (rc != 0) {
		return say_error(why);
	}
	if (access->owner != NULL) {
		rc = give(path, access->owner, why);
	}
	if (rc == 0 && listen(fd, BACKLOG) != 0) {
		rc = say_error(why);
	}
	if (rc != 0) {
		(void)unlink(path);
	}
	return rc;
}

static int bind_abstract(const struct place *place, int fd, char *why)
{
	if (bind(fd, (const struct sockaddr *)&place->address, place->size) == 0 &&
	    listen(fd, BACKLOG) == 0) {
		return 0;
	}
	return errno == EADDRINUSE && is_served(place, why) ? ERR_SYSTEM : say_error(why);
}

/* Of two that start at once, one waits here, and then finds the other. */
static int lock_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[UNIX_SOCKET_PATH_MAX + 1] = ".";
	int fd;

	if (slash != NULL) {
		snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path + 1), path);
	}
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		(void)flock(fd, LOCK_EX);
	}
	return fd;
}

static int take_place(const char *path, const struct place *place,
    const struct unix_access *access, int fd, char *why)
{
	int lock;
	int rc;

	if (is_abstract(path)) {
		return bind_abstract(place, fd, why);
	}
	lock = lock_folder(path);
	rc = clear_place(path, place, why);
	if (rc == 0) {
		rc = bind_file(path, place, access, fd, why);
	}
	if (lock >= 0) {
		close(lock);
	}
	return rc;
}

int unix_socket_listen(const char *path, const struct unix_access *access, int *fd,
    struct unix_file *file, char why[UNIX_SOCKET_WHY_BYTES])
{
	struct place place;
	int s;

	if (set_place(path, &place) != 0 || (s = new_socket()) < 0) {
		return say_error(why);
	}
	if (take_place(path, &place, access, s, why) != 0) {
		close(s);
		return ERR_SYSTEM;
	}
	unix_socket_find(path, file);
	*fd = s;
	return 0;
}

void unix_socket_find(const char *path, struct unix_file *file)
{
	struct stat status;

	*file = (struct unix_file){ 0 };
	if (!is_abstract(path) && lstat(path, &status) == 0 &&
	    S_ISSOCK(status.st_mode)) {
		file->device = status.st_dev;
		file->inode = status.st_ino;
	}
}

static bool is_there(const char *path, const struct unix_file *file)
{
	struct unix_file now;

	unix_socket_find(path, &now);
	return now.inode != 0 && now.inode == file->inode &&
	    now.device == file->device;
}

int unix_socket_admit(const char *path, const struct unix_access *access,
    const struct unix_file *file, char why[UNIX_SOCKET_WHY_BYTES])
{
	if (!is_there(path, file)) {
		return 0;
	}
	if (access->owner != NULL && give(path, access->owner, why) != 0) {
		return ERR_SYSTEM;
	}
	return chmod(path, access->mode) == 0 ? 0 : say_error(why);
}

void unix_socket_remove(const char *path, const struct unix_file *file)
{
	if (is_there(path, file)) {
		(void)unlink(path);
	}
}
