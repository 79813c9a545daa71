/* SPDX-License-Identifier: MIT */
/* What hosts.c and host_death.c share: a host, and those of one kind. For these alone. */
#ifndef TINCAN_MASTER_HOSTS_STATE_H
#define TINCAN_MASTER_HOSTS_STATE_H

#include "base/list.h"
#include "base/log_pace.h"
#include "master/hosts.h"
#include "os/timer.h"

#define HOSTS_FIRST_DELAY_MS 100	/* before a start is tried again, at least */

struct page;

/* The hosts of one version for one worker. What a death means is judged for all of them
 * together: the next request may find any of them. */
struct squad {
	struct list link;		/* in master.squads */
	struct master *master;
	struct child *child;
	uint32_t version;
	uint32_t wanted;		/* how many there are to be */
	uint64_t max_memory;		/* of each */
	uint64_t answers;		/* of hosts that it has no more */
	uint64_t heard;			/* answers of all, at the last death */
	uint32_t in_row;		/* deaths without an answer between */
	uint32_t breaker_s;		/* 0: closed */
	struct timer trial;		/* set: the breaker is open until then */
};

struct host {
	struct list link;		/* in master.hosts */
	struct master *master;
	struct child *child;
	struct squad *squad;		/* NULL: retired, it ends and is not missed */
	uint32_t version;
	pid_t pid;			/* 0: none runs */
	const struct page *page;
	bool hung;			/* killed by us for that */
	uint32_t crashes;
	uint64_t answers;		/* of its processes before this one */
	struct log_pace unstarted;	/* that none can be started */
	struct timer timer; /* the next start, or SIGKILL for one that hangs */
};

/* Starts a process for it; in a while, if that fails. */
void host_start(struct host *host);

/* Frees one without a process; what it has counted is its squad's. */
void host_forget(struct host *host);

/* Its process has ended: waitpid's status says how. */
void host_died(struct host *host, int status);

/* Answers of its process; of all that a squad ever had. */
uint64_t host_answers(const struct host *host);
uint64_t squad_answers(const struct squad *squad);

/* How many hosts it has, whether or not they run. */
uint32_t squad_count(const struct squad *squad);

/* Tells its worker that there will be none for so long; 0: that there is one soon. */
void squad_tell_broken(const struct squad *squad, uint32_t seconds);

/* The name of that version's handler. */
const char *hosts_name(const struct master *master, uint32_t version);

/* Is it served, by hosts? */
bool hosts_serve(const struct master *master, uint32_t version);

#endif
