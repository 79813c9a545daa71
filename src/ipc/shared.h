/* SPDX-License-Identifier: MIT */
/*
 * The memory of a handler, behind tc.shared: one memfd for each handler's name, made by
 * the master, and mapped by the processes that run that handler, whatever version of it,
 * and by nobody else. It costs what has been touched, and outlives all of them.
 *
 * At its front is a directory of areas, which only grows: an area is what has its name
 * and size, and begins where the one before it ends. So an area is there when its place
 * in the order is written, with one compare-and-swap: whoever dies at whatever point, the
 * others neither wait nor see half an area. All of it can be written by a handler gone
 * wrong: what is read is bounded, and a directory that makes no sense has no areas.
 */
#ifndef TINCAN_IPC_SHARED_H
#define TINCAN_IPC_SHARED_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define SHARED_AREAS 1024		/* of a handler, of one name and size */
#define SHARED_NAME_BYTES 48		/* of an area, with its NUL */
#define SHARED_BYTES ((size_t)64 << 20)	/* of all areas, each in whole pages */

struct shared_entry {
	_Atomic uint32_t taken;		/* by who fills it in; for ever, once in order */
	uint32_t unused;
	uint64_t size;
	char name[SHARED_NAME_BYTES];
};

struct shared_directory {
	uint64_t magic;
	_Atomic uint32_t order[SHARED_AREAS];	/* index of an entry, + 1; 0: the end */
	struct shared_entry entries[SHARED_AREAS];
};

/* An area that this process has mapped; it stays until the end. */
struct shared_mapping {
	uint32_t area;			/* its place in the order */
	size_t size;
	void *memory;
};

/* A handler's memory, as a process that runs it has it. Nothing is mapped before the
 * first area is asked for, as it counts against the memory that a host may have. */
struct shared {
	int fd;				/* owned */
	struct shared_directory *directory;
	struct shared_mapping *mappings;	/* owned */
	size_t mapping_count;
};

/* A new one, sealed: whoever has the descriptor cannot change its size. ERR_SYSTEM with
 * errno. */
int shared_create(int *fd) MUST_USE;

/* Is it one that this program, or another of its version, has made? */
int shared_check(int fd) MUST_USE;

/* Takes fd; -1 makes a private one when it is needed. */
void shared_init(struct shared *shared, int fd);
void shared_release(struct shared *shared);

/*
 * The area of that name and size, made if there is none; on one thread of the process.
 *
 * @return 0; ERR_INVALID: a bad name, or size 0; ERR_LIMIT: past SHARED_BYTES or
 * SHARED_AREAS; ERR_PROTOCOL: the directory makes no sense; ERR_SYSTEM: it cannot be
 * mapped
 */
int shared_area(struct shared *shared, const char *name, size_t size,
    void **memory) MUST_USE;

#endif
