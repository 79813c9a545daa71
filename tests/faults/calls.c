/* SPDX-License-Identifier: MIT */
/*
 * System calls that do less than they were asked for, or fail, on order. The linker puts
 * them before those that our own code makes (--wrap); libraries keep the real ones.
 */
#include "faults.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int __real_accept4(int fd, struct sockaddr *peer, socklen_t *size, int flags);
int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __real_epoll_wait(int fd, struct epoll_event *events, int max, int wait_ms);
time_t __real_time(time_t *now);
int __real_poll(struct pollfd *fds, nfds_t count, int wait_ms);
ssize_t __real_read(int fd, void *to, size_t size);
ssize_t __real_recv(int fd, void *to, size_t size, int flags);
ssize_t __real_recvmsg(int fd, struct msghdr *message, int flags);
ssize_t __real_send(int fd, const void *data, size_t size, int flags);
ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __real_write(int fd, const void *data, size_t size);

int __wrap_accept4(int fd, struct sockaddr *peer, socklen_t *size, int flags);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_epoll_wait(int fd, struct epoll_event *events, int max, int wait_ms);
time_t __wrap_time(time_t *now);
int __wrap_poll(struct pollfd *fds, nfds_t count, int wait_ms);
ssize_t __wrap_read(int fd, void *to, size_t size);
ssize_t __wrap_recv(int fd, void *to, size_t size, int flags);
ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags);
ssize_t __wrap_send(int fd, const void *data, size_t size, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_write(int fd, const void *data, size_t size);

static int64_t ordered(const int64_t *field)
{
	return faults_here() ? __atomic_load_n(field, __ATOMIC_RELAXED) : 0;
}

/* By dice that fall the same in each run: what goes in turns would never get on. */
static bool interrupted(void)
{
	static uint64_t dice = 1;
	uint64_t one_of = (uint64_t)ordered(&faults_page->interrupt);

	dice = dice * 6364136223846793005u + 1442695040888963407u;
	if (one_of == 0 || (dice >> 33) % one_of != 0) {
		return false;
	}
	errno = EINTR;
	return true;
}

static bool is_file(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

/* Packets are whole or not at all; a pipe may be one of several processes' lines. */
static bool is_stream(int fd)
{
	int type;
	socklen_t size = sizeof(type);

	return is_file(fd) || (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
	    type == SOCK_STREAM);
}

/* Of an internet socket a receive gives all there is, and edges are relied on for more:
 * there clients must send little by little. */
static bool gives_less(int fd)
{
	int domain;
	socklen_t size = sizeof(domain);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0 ||
	    domain == AF_UNIX;
}

static size_t less(int fd, size_t size)
{
	size_t most = (size_t)ordered(&faults_page->io_bytes);

	return most == 0 || size <= most || !is_stream(fd) ? size : most;
}

static size_t received_less(int fd, size_t size)
{
	return ordered(&faults_page->io_bytes) == 0 || !gives_less(fd) ? size
	    : less(fd, size);
}

int __wrap_accept4(int fd, struct sockaddr *peer, socklen_t *size, int flags)
{
	int64_t *count = &faults_page->accept_count;

	if (interrupted()) {
		return -1;
	}
	if (ordered(count) > 0 &&
	    __atomic_fetch_sub(count, 1, __ATOMIC_RELAXED) > 0) {
		errno = (int)faults_page->accept_errno;
		return -1;
	}
	return __real_accept4(fd, peer, size, flags);
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
	int rc = __real_clock_gettime(clock, now);
	int64_t ms = clock == CLOCK_REALTIME ? ordered(&faults_page->real_ms) :
	    clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME ?
	    ordered(&faults_page->monotonic_ms) : 0;

	now->tv_sec += ms / 1000;
	return rc;
}

time_t __wrap_time(time_t *now)
{
	time_t seconds = __real_time(NULL) + ordered(&faults_page->real_ms) / 1000;

	if (now != NULL) {
		*now = seconds;
	}
	return seconds;
}

int __wrap_epoll_wait(int fd, struct epoll_event *events, int max, int wait_ms)
{
	return interrupted() ? -1 : __real_epoll_wait(fd, events, max, wait_ms);
}

int __wrap_poll(struct pollfd *fds, nfds_t count, int wait_ms)
{
	return interrupted() ? -1 : __real_poll(fds, count, wait_ms);
}

ssize_t __wrap_read(int fd, void *to, size_t size)
{
	return interrupted() ? -1 : __real_read(fd, to, less(fd, size));
}

ssize_t __wrap_recv(int fd, void *to, size_t size, int flags)
{
	return interrupted() ? -1 : __real_recv(fd, to,
	    received_less(fd, size), flags);
}

/* In front of what was asked for: less of it. */
static void shorten(int fd, struct msghdr *message, struct iovec *part)
{
	if (message->msg_iovlen > 0 && ordered(&faults_page->io_bytes) != 0 &&
	    is_stream(fd)) {
		*part = message->msg_iov[0];
		part->iov_len = less(fd, part->iov_len);
		message->msg_iov = part;
		message->msg_iovlen = 1;
	}
}

ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags)
{
	struct msghdr copy = *message;
	struct iovec part;
	ssize_t got;

	if (interrupted()) {
		return -1;
	}
	shorten(fd, &copy, &part);
	got = __real_recvmsg(fd, &copy, flags);
	message->msg_controllen = copy.msg_controllen;
	message->msg_flags = copy.msg_flags;
	return got;
}

ssize_t __wrap_send(int fd, const void *data, size_t size, int flags)
{
	return interrupted() ? -1 : __real_send(fd, data, less(fd, size), flags);
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
	struct msghdr copy = *message;
	struct iovec part;

	if (interrupted()) {
		return -1;
	}
	shorten(fd, &copy, &part);
	return __real_sendmsg(fd, &copy, flags);
}

ssize_t __wrap_write(int fd, const void *data, size_t size)
{
	int64_t error = ordered(&faults_page->write_errno);

	if (interrupted()) {
		return -1;
	}
	if (error != 0 && is_file(fd)) {
		__atomic_fetch_add(&faults_page->write_count, 1, __ATOMIC_RELAXED);
		errno = (int)error;
		return -1;
	}
	return __real_write(fd, data, less(fd, size));
}
