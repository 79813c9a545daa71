/* SPDX-License-Identifier: MIT */
/* Where log lines go, in batches and without waiting. */
#include "base/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

#define SINK_BATCH (32 * 1024)	/* flush by itself when this much waits */

static void look_at(struct sink *sink)
{
	struct stat st;

	sink->regular = fstat(sink->fd, &st) == 0 && S_ISREG(st.st_mode);
	sink->terminal = isatty(sink->fd) == 1;
}

static int open_path(const char *path)
{
	return open(path,
	    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
}

static int check_folder(const char *path)
{
	char *folder = memory_folder(path);
	int rc = access(folder, W_OK | X_OK) == 0 ? 0 : ERR_SYSTEM;

	free(folder);
	return rc;
}

int sink_check(const char *path)
{
	struct stat st;

	if (strcmp(path, "off") == 0 || strcmp(path, "-") == 0) {
		return 0;
	}
	if (stat(path, &st) != 0) {
		return errno == ENOENT ? check_folder(path) : ERR_SYSTEM;
	}
	if (S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return ERR_SYSTEM;
	}
	return access(path, W_OK) == 0 ? 0 : ERR_SYSTEM;
}

/*
 * Standard output cannot be made non-blocking, as a shell may share it; so it is opened
 * once more. Where that is not allowed, next_batch alone keeps us from waiting, which is
 * not enough when several processes write to one pipe.
 */
static void own_standard(struct sink *sink)
{
	char path[32];
	struct stat st;
	int fd;

	if (!sink->terminal && (fstat(sink->fd, &st) != 0 || !S_ISFIFO(st.st_mode))) {
		return;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", sink->fd);
	fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd >= 0) {
		sink->fd = fd;
		sink->owned = true;
	}
}

int sink_open(struct sink *sink, const char *path, int standard_fd)
{
	memset(sink, 0, sizeof(*sink));
	sink->fd = -1;
	buffer_init(&sink->lines, SINK_MAX_BYTES);
	if (strcmp(path, "off") == 0) {
		return 0;
	}
	if (strcmp(path, "-") == 0) {
		sink->fd = standard_fd;
		look_at(sink);
		own_standard(sink);
		return 0;
	}
	sink->fd = open_path(path);
	if (sink->fd < 0) {
		return ERR_SYSTEM;
	}
	sink->owned = true;
	sink->path = memory_text(path);
	look_at(sink);
	return 0;
}

void sink_close(struct sink *sink)
{
	sink_flush(sink);
	if (sink->owned) {
		close(sink->fd);
	}
	free(sink->path);
	buffer_release(&sink->lines);
	sink->path = NULL;
	sink->fd = -1;
	sink->owned = false;
}

int sink_reopen(struct sink *sink)
{
	int fd;

	if (sink->path == NULL) {
		return 0;
	}
	sink_flush(sink);
	fd = open_path(sink->path);
	if (fd < 0) {
		return ERR_SYSTEM;
	}
	close(sink->fd);
	sink->fd = fd;
	sink->torn = false;
	look_at(sink);
	return 0;
}

void sink_take(struct sink *sink, int fd)
{
	sink_flush(sink);
	if (sink->owned) {
		close(sink->fd);
	}
	free(sink->path);
	sink->path = NULL;
	sink->fd = fd;
	sink->owned = fd >= 0;
	sink->torn = false;
	if (fd < 0) {
		buffer_reset(&sink->lines);
	}
	look_at(sink);
}

void sink_line(struct sink *sink, const char *line, size_t size)
{
	if (sink->fd < 0) {
		return;
	}
	/* What tore a line has dropped its rest: this one is not to go on in it. */
	if (sink->torn && sink->lines.size == 0 &&
	    buffer_append(&sink->lines, "\n", 1) != 0) {
		sink->lost++;
		return;
	}
	if (buffer_append(&sink->lines, line, size) != 0) {
		sink->lost++;
		return;
	}
	if (sink->lines.size >= SINK_BATCH) {
		sink_flush(sink);
	}
}

/* Without the empty one that mends a torn line. */
static size_t count_lines(struct slice text)
{
	size_t lines = 0;

	for (size_t i = text.data[0] == '\n'; i < text.size; i++) {
		lines += text.data[i] == '\n';
	}
	return lines;
}

/* As many whole lines as fit into max bytes; one longer line goes as it is. */
static size_t whole_lines(struct slice text, size_t max)
{
	const char *end;

	if (text.size <= max) {
		return text.size;
	}
	end = memrchr(text.data, '\n', max);
	if (end == NULL) {
		end = memchr(text.data, '\n', text.size);
	}
	return end == NULL ? text.size : (size_t)(end - text.data) + 1;
}

/*
 * A pipe or terminal whose reader is slow must not stop the loop. A pipe that polls
 * writable takes PIPE_BUF bytes without waiting, and never mixes them with another
 * process's.
 */
static size_t next_batch(const struct sink *sink)
{
	struct pollfd writable = { .fd = sink->fd, .events = POLLOUT };
	int ready;

	if (sink->regular) {
		return sink->lines.size;
	}
	do {
		ready = poll(&writable, 1, 0);
	} while (ready < 0 && errno == EINTR);
	/* Without a reader the write fails, which counts the lines. */
	if (ready != 1 || (writable.revents & (POLLOUT | POLLERR)) == 0) {
		return 0;
	}
	return whole_lines(buffer_slice(&sink->lines), PIPE_BUF);
}

void sink_flush(struct sink *sink)
{
	while (sink->fd >= 0 && sink->lines.size > 0) {
		size_t size = next_batch(sink);
		ssize_t written;

		if (size == 0) {
			return;
		}
		written = write(sink->fd, buffer_slice(&sink->lines).data, size);
		if (written < 0 && errno == EINTR) {
			continue;
		}
		if (written < 0 && errno == EAGAIN) {
			return;
		}
		if (written <= 0) {
			sink->last_errno = written < 0 ? errno : ENOSPC;
			sink->lost += count_lines(buffer_slice(&sink->lines));
			buffer_reset(&sink->lines);
			return;
		}
		sink->last_errno = 0;
		sink->torn = buffer_slice(&sink->lines).data[written - 1] != '\n';
		buffer_consume(&sink->lines, (size_t)written);
	}
}
