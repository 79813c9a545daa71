/* SPDX-License-Identifier: MIT */
/*
 * Threads for what may block. They are made when there is work for them, up to a bound,
 * and then wait for more; work beyond that waits in a queue that is bounded, too. They
 * take no signal but those of their own faults. Lifetime: as long as its owner wants, and
 * until the last thread has seen that it does not any more.
 */
#ifndef TINCAN_OS_CREW_H
#define TINCAN_OS_CREW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/list.h"

/* Work; embedded. */
struct crew_job {
	struct list link;		/* of the queue while it waits */
	void (*fn)(struct crew_job *job);
};

struct crew;

/* A crew of up to threads threads (1 or more), which are to be called name, cut to what
 * the kernel takes. NULL: out of memory. */
struct crew *crew_new(const char *name, uint32_t threads);

/* Up to threads threads (1 or more) from now on; those too many end when they have done
 * what they are about. */
void crew_resize(struct crew *crew, uint32_t threads);

/* Ends the threads, which have no work any more; does not wait for them. NULL is
 * accepted. */
void crew_free(struct crew *crew);

/*
 * Calls job->fn(job) on one of the threads. It may free the job, which belongs to the
 * crew until then.
 *
 * @return 0; ERR_LIMIT if no thread is free and most jobs wait already; ERR_SYSTEM if
 *	there is no thread and none can be made. Then the job is as it was.
 */
int crew_submit(struct crew *crew, struct crew_job *job, uint32_t most) MUST_USE;

/* Takes back a job that was submitted; false if it has begun. */
bool crew_cancel(struct crew *crew, struct crew_job *job) MUST_USE;

/* Waits, ms at most, until all work is done. False if some is not. */
bool crew_wait(struct crew *crew, int ms) MUST_USE;

#endif
