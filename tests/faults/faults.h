/* SPDX-License-Identifier: MIT */
/*
 * Faults on order. memory.c and calls.c stand before malloc and some system calls of the
 * program that they are linked with; a page says what goes wrong, and in which process.
 * Unit tests write into faults_page; the programs built here map the file that the
 * environment calls TINCAN_FAULTS, which tests/e2e/faults.py writes.
 */
#ifndef TINCAN_TESTS_FAULTS_H
#define TINCAN_TESTS_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

#define FAULTS_EVERYBODY (-1)

/* Of int64_t alone, as the other end is a script. 0 is: no fault. */
struct faults {
	int64_t pid;		/* whom it hits */
	int64_t memory_after;	/* allocations until the first that fails; counts down */
	int64_t memory_count;	/* how many fail from there on */
	int64_t memory_failed;	/* how many have: counts up */
	int64_t memory_live;	/* allocated by pid and not freed, since pid was set */
	int64_t io_bytes;	/* a read, write, receive or send moves no more at once */
	int64_t interrupt;	/* one of so many calls that may block fails: EINTR */
	int64_t accept_errno;	/* with which accepting fails, */
	int64_t accept_count;	/* that often; counts down */
	int64_t write_errno;	/* with which writes to files fail */
	int64_t write_count;	/* how many have; counts up */
	int64_t real_ms;	/* the clock of the day is ahead by that */
	int64_t monotonic_ms;	/* and the others */
};

extern struct faults *faults_page;

/* True in a process that faults are to hit. */
bool faults_here(void);

#endif
