/* SPDX-License-Identifier: MIT */
/*
 * The memory of a handler: one memfd for each handler's name, made by the master, and
 * mapped by the processes that run that handler, whatever version of it, and by nobody
 * else but the master. It costs what has been touched, and outlives all of them. In it:
 *
 *	front	a roll of what there is
 *	blocks	the figures of each process (ipc/figures.h)
 *	areas	what tc.shared gives: one after the other, in the order of the roll
 *
 * All of it can be written by a handler gone wrong: what is read is bounded, and a roll
 * that makes no sense has nothing in it.
 */
#ifndef TINCAN_IPC_SHARED_H
#define TINCAN_IPC_SHARED_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "ipc/roll.h"

#define SHARED_BYTES ((size_t)64 << 20)	/* of all areas, each in whole pages */
#define SHARED_BLOCKS 1024		/* processes of a handler at a time */
#define SHARED_BLOCK_BYTES ((size_t)16 << 10)
#define SHARED_AREA 0			/* the kind of a roll's entry that is one */

struct shared_front {
	uint64_t magic;
	_Atomic int32_t owners[SHARED_BLOCKS];	/* pids; see ipc/figures.c */
	struct roll roll;
};

/* An area that this process has mapped; it stays until the end. */
struct shared_mapping {
	uint32_t place;			/* in the roll */
	size_t size;
	void *memory;
};

/* A handler's memory, as a process that runs it has it. Nothing is mapped before it is
 * asked for, as it counts against the memory that a host may have. */
struct shared {
	int fd;				/* owned */
	struct shared_front *front;
	void *block;			/* this process's; NULL: it has none */
	struct shared_mapping *mappings;	/* owned */
	size_t mapping_count;
};

/* A new one, sealed: whoever has the descriptor cannot change its size. ERR_SYSTEM with
 * errno. */
int shared_create(int *fd) MUST_USE;

/* ERR_PROTOCOL: it is none that a program of this version has made. */
int shared_check(int fd) MUST_USE;

/* Takes fd; -1 makes a private one when it is needed. What has been mapped of it stays
 * after release for who still points there, as the process ends soon. */
void shared_init(struct shared *shared, int fd);
void shared_release(struct shared *shared);

/* Maps its front, if that is not done. ERR_SYSTEM. */
int shared_open(struct shared *shared) MUST_USE;

/* Maps the block of that number; ERR_SYSTEM. */
int shared_map_block(const struct shared *shared, uint32_t number, void **block) MUST_USE;

/* For the master: maps the front and all blocks, without the areas, and not for its
 * children; ERR_SYSTEM. */
int shared_view_open(int fd, struct shared_front **front) MUST_USE;
void *shared_view_block(struct shared_front *front, uint32_t number);
void shared_view_close(struct shared_front *front);	/* NULL is accepted */

/*
 * The area of that name and size, made if there is none; on one thread of the process.
 *
 * @return 0; ERR_INVALID: a bad name, or size 0; ERR_LIMIT: past SHARED_BYTES or the end
 * of the roll; ERR_PROTOCOL: the roll makes no sense; ERR_SYSTEM: it cannot be mapped
 */
int shared_area(struct shared *shared, const char *name, size_t size,
    void **memory) MUST_USE;

#endif
