/* SPDX-License-Identifier: MIT */
/*
 * The hosts, seen from the master: for each isolated plugin version and worker that needs
 * it one process, or several if it blocks; started, watched, restarted, fenced.
 *
 *	RUNS --dies--> restart at once if it had answered since the last death, else after
 *	     0.1 s, 0.2 s, ... 30 s; the fifth death in a row without an answer opens the
 *	     breaker: BROKEN, 503, one trial after 30 s, 60 s, ... 10 min.
 *
 * Answers and deaths are those of all processes of the version for the worker together.
 */
#ifndef TINCAN_MASTER_HOSTS_H
#define TINCAN_MASTER_HOSTS_H

#include "master/master.h"
#include "master/versions.h"

struct hosts_want {
	uint32_t count;		/* for each worker */
	uint64_t max_memory;	/* of each process; 0: no limit */
};

/* Sees to it that every worker that runs has those hosts of that version. When it has too
 * many, those that are free first are ended. */
void hosts_need(struct master *master, const struct version *version,
    const struct hosts_want *want);

/* The worker process of that place is dead: its hosts end by themselves, and are not
 * missed. */
void hosts_worker_gone(struct child *child);

/* The worker needs that version no more. */
void hosts_retired(struct child *child, uint32_t version);

/* The worker says that its host of that version and pid hangs, or talks nonsense. */
void hosts_hung(struct child *child, uint32_t version, pid_t pid);

/* The worker says that the socket of that host has ended: its process gets a moment to
 * end by itself, as one that is crashing does. */
void hosts_lost(struct child *child, uint32_t version, pid_t pid);

/* Closes the breaker of every host of that handler name; how many there were. */
uint32_t hosts_reset(struct master *master, const char *name);

/* Takes in hosts that have ended. */
void hosts_reap(struct master *master);

/* Kills and forgets all. */
void hosts_release(struct master *master);

/* What status shows of one. */
struct host_facts {
	uint32_t worker;
	uint32_t version;
	pid_t pid;		/* 0: none runs */
	uint32_t crashes;
	uint64_t answers;
	bool broken;
};

/* Calls fn for each. */
void hosts_each(const struct master *master,
    void (*fn)(void *arg, const struct host_facts *facts), void *arg);

#endif
