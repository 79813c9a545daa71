/* SPDX-License-Identifier: MIT */
/*
 * One call of the peer: a request, the handler's run, and the reply on its way out.
 *
 *	REQUEST --(BODY ... last)--> handler --> REPLY, and it is over
 *	                                     \-> START, DATA within the window ..., END
 *
 * A reply that waits for its window holds up nobody else. Lifetime: request.
 */
#ifndef TINCAN_HOST_JOB_H
#define TINCAN_HOST_JOB_H

#include "base/list.h"
#include "exchange/exchange.h"
#include "ipc/frame.h"
#include "remote/request.h"

struct host;
struct mount;

struct job {
	struct exchange exchange;	/* first: its ops find the rest */
	struct list link;		/* of the host's jobs or spares */
	uint64_t id;
	struct mount *mount;
	bool receiving;			/* the request's body is not complete */
	size_t window;			/* bytes of DATA that may be sent */
	const char *facts[REQUEST_FACTS];
};

/* The frames of the peer that make and move jobs. */
int job_request(struct host *host, const struct frame *frame) MUST_USE;
int job_body(struct host *host, const struct frame *frame) MUST_USE;
int job_window(struct host *host, const struct frame *frame) MUST_USE;
int job_cancel(struct host *host, const struct frame *frame) MUST_USE;

/* A job of no call, for a check: its exchange is as exchange_init leaves it. NULL when
 * out of memory. */
struct job *job_new(struct host *host);

static inline const struct job *job_of(const struct exchange *exchange)
{
	return (const struct job *)exchange;
}

/* Runs the handler; mount and the exchange's request are set. It counts as running until
 * the caller takes back host->answering, when its answer is safe. */
void job_run(struct host *host, struct job *job);

/* Drops its reply, gives back its mount if it has one, and keeps it for another call. */
void job_free(struct host *host, struct job *job);

/* Drops all of them, at the end. */
void job_drop_all(struct host *host);

#endif
