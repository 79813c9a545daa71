/* SPDX-License-Identifier: MIT */
/*
 * Where log lines go: a file, a pipe or a terminal. Lines are collected and written in
 * batches of whole lines; writing never blocks the caller for a slow reader, and a full
 * disk costs lines, which are counted, but nothing else. Lifetime: boot.
 */
#ifndef TINCAN_BASE_SINK_H
#define TINCAN_BASE_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

#define SINK_MAX_BYTES (256 * 1024)	/* lines that wait for a slow reader */

struct sink {
	char *path;		/* owned; NULL: standard output or error */
	int fd;			/* -1: off */
	bool owned;		/* fd is ours to close */
	bool terminal;
	bool regular;		/* a file: writes never wait for a reader */
	bool torn;		/* what was written last ends within a line */
	struct buffer lines;
	uint64_t lost;		/* lines that could not be kept or written */
	int last_errno;		/* of the last write that failed; 0 once one succeeds */
};

/*
 * Opens path ("-": standard_fd, "off": nothing, else a file to append to).
 * ERR_SYSTEM with errno if it cannot be opened; the sink is then off.
 */
int sink_open(struct sink *sink, const char *path, int standard_fd) MUST_USE;

/* Could sink_open open it now? Makes nothing. ERR_SYSTEM with errno if not. */
int sink_check(const char *path) MUST_USE;

/* Writes what waits and closes. A sink of zeroes is accepted. */
void sink_close(struct sink *sink);

/* Opens its path again, as after a rotation; keeps the old file if that fails
 * (ERR_SYSTEM). */
int sink_reopen(struct sink *sink) MUST_USE;

/* Goes on at fd, owned from now on (-1: off), which somebody else has opened, and will
 * open again: it has no path any more. */
void sink_take(struct sink *sink, int fd);

/* Takes a whole line, its "\n" included; it is written by sink_flush, or before. */
void sink_line(struct sink *sink, const char *line, size_t size);

/* Writes as much as goes without waiting. */
void sink_flush(struct sink *sink);

#endif
