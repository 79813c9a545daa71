/* SPDX-License-Identifier: MIT */
/* The control socket of the master. */
#include "control/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "control/client.h"

#define CLIENTS_MAX 64
#define BACKLOG 64
#define ACCEPT_BATCH 16
#define RETRY_MS 100		/* when out of descriptors: try again after */

static pid_t peer_of(int fd, uid_t *uid)
{
	struct ucred peer = { 0, (uid_t)-1, (gid_t)-1 };
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
		peer = (struct ucred){ 0, (uid_t)-1, (gid_t)-1 };
	}
	*uid = peer.uid;
	return peer.pid;
}

/* An answer to somebody who is not let in. */
static void turn_away(int fd, const char *line)
{
	(void)send(fd, line, strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
}

static void admit(struct control *control, int fd)
{
	uid_t uid;

	peer_of(fd, &uid);
	if (uid != 0 && uid != geteuid()) {
		turn_away(fd, "{\"ok\":false,\"error\":"
		    "\"only the server's own user and root are answered\"}\n");
	} else if (control->count >= CLIENTS_MAX) {
		turn_away(fd, "{\"ok\":false,\"error\":\"too many clients\"}\n");
	} else {
		client_new(control, fd);
	}
}

static void on_connection(struct watch *watch, uint32_t events)
{
	struct control *control = LIST_OWNER(watch, struct control, listener);

	(void)events;
	for (int i = 0; i < ACCEPT_BATCH && watch->fd >= 0; i++) {
		int fd = accept4(watch->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			admit(control, fd);
		} else if (errno == EAGAIN) {
			return;
		} else if (errno != EINTR && errno != ECONNABORTED) {
			/* The queue stays readable, and the loop would spin, until a
			 * descriptor is free again. */
			loop_modify(control->loop, watch, 0);
			timer_set(&control->loop->timers, &control->retry,
			    control->loop->now_ms + RETRY_MS);
			return;
		}
	}
}

static void on_retry(struct timer *timer)
{
	struct control *control = LIST_OWNER(timer, struct control, retry);

	loop_modify(control->loop, &control->listener, EPOLLIN);
}

static int say_problem(struct problems *problems, const char *path, const char *verb)
{
	problems_add(problems, path, NULL, "cannot %s the control socket: %s", verb,
	    strerror(errno));
	return ERR_SYSTEM;
}

static int say_taken(struct problems *problems, const char *path, int fd)
{
	static const char hint[] =
	    "'tincan stop' stops it, or give this one another file as 'control'";
	uid_t uid;
	pid_t pid = peer_of(fd, &uid);

	if (pid > 0) {
		problems_add(problems, path, hint,
		    "another tincan (pid %d) has this control socket", (int)pid);
	} else {
		problems_add(problems, path, hint,
		    "another tincan has this control socket");
	}
	return ERR_SYSTEM;
}

/* Removes what a server that is no more has left behind; a live one stays. */
static int clear_place(const struct control_address *address, const char *path, int fd,
    struct problems *problems)
{
	struct stat status;

	if (fstatat(address->folder, address->name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
		return errno == ENOENT ? 0 : say_problem(problems, path, "make");
	}
	if (!S_ISSOCK(status.st_mode)) {
		problems_add(problems, path, NULL,
		    "there is a file at the place of the control socket");
		return ERR_SYSTEM;
	}
	if (connect(fd, (const struct sockaddr *)&address->socket,
	    sizeof(address->socket)) == 0 || errno == EAGAIN) {
		return say_taken(problems, path, fd);
	}
	if (errno != ECONNREFUSED ||
	    unlinkat(address->folder, address->name, 0) != 0) {
		return say_problem(problems, path, "replace");
	}
	return 0;
}

static int new_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* The mode of a socket before it is bound is that of its file: there is no moment in
 * which others could connect. */
static int bind_socket(struct control *control)
{
	const struct control_address *address = &control->address;
	struct stat status;
	int fd = new_socket();

	control->listener.fd = fd;
	if (fd < 0 || fchmod(fd, 0600) != 0 ||
	    bind(fd, (const struct sockaddr *)&address->socket,
	    sizeof(address->socket)) != 0 || listen(fd, BACKLOG) != 0 ||
	    fstatat(address->folder, address->name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
		return ERR_SYSTEM;
	}
	control->device = status.st_dev;
	control->inode = status.st_ino;
	return loop_add(control->loop, &control->listener, EPOLLIN);
}

static int take_place(struct control *control, const char *path,
    struct problems *problems)
{
	int probe = new_socket();
	int rc;

	if (probe < 0) {
		return say_problem(problems, path, "make");
	}
	/* Of two that start at once, one waits here, and then finds the other. */
	(void)flock(control->address.folder, LOCK_EX);
	rc = clear_place(&control->address, path, probe, problems);
	if (rc == 0 && bind_socket(control) != 0) {
		rc = say_problem(problems, path, "make");
	}
	(void)flock(control->address.folder, LOCK_UN);
	close(probe);
	return rc;
}

/* Only if it is still this control's: another server may have come. */
static void remove_socket(const struct control *control)
{
	const struct control_address *address = &control->address;
	struct stat status;

	if (control->inode != 0 && fstatat(address->folder, address->name, &status,
	    AT_SYMLINK_NOFOLLOW) == 0 && status.st_ino == control->inode &&
	    status.st_dev == control->device) {
		(void)unlinkat(address->folder, address->name, 0);
	}
}

static void shut(struct control *control)
{
	timer_cancel(&control->retry);
	if (control->listener.fd >= 0) {
		loop_remove(control->loop, &control->listener);
		remove_socket(control);
		close(control->listener.fd);
		control->listener.fd = -1;
	}
	control_address_close(&control->address);
}

static void on_end(struct deferred *end)
{
	free(LIST_OWNER(end, struct control, end));
}

struct control *control_open(struct loop *loop, const char *path, control_fn *fn,
    void *arg, struct problems *problems)
{
	struct control *control = memory_new(1, sizeof(*control));

	control->loop = loop;
	control->fn = fn;
	control->arg = arg;
	control->listener = (struct watch){ -1, on_connection };
	timer_init(&control->retry, on_retry);
	deferred_init(&control->end, on_end);
	list_init(&control->clients);
	if (control_address_open(&control->address, path, true) != 0) {
		say_problem(problems, path, "make");
	} else if (take_place(control, path, problems) == 0) {
		return control;
	}
	shut(control);
	free(control);
	return NULL;
}

void control_close(struct control *control)
{
	if (control == NULL) {
		return;
	}
	while (!list_empty(&control->clients)) {
		client_part(LIST_OWNER(control->clients.next, struct control_client,
		    link));
	}
	shut(control);
	loop_defer(control->loop, &control->end);
}
