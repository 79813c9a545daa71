/* SPDX-License-Identifier: MIT */
/*
 * One call of the peer: a request, the handler's run, and the reply on its way out.
 *
 *	REQUEST --(BODY ... last)--> handler --------> REPLY, and it is over
 *	                               \-> LATER ... \-> START, DATA within the window
 *	                                                 ..., END
 *
 * A reply that waits for its window holds up nobody else. A handler that answers later
 * moves its job whenever it likes; what there is to send then is sent at the end of the
 * round. Lifetime: request, and until the handler has finished.
 */
#ifndef TINCAN_HOST_JOB_H
#define TINCAN_HOST_JOB_H

#include "base/list.h"
#include "exchange/exchange.h"
#include "ipc/frame.h"
#include "remote/request.h"

struct alone;
struct host;
struct mount;
struct screen;

struct job {
	struct exchange exchange;	/* first: its ops find the rest */
	struct list link;		/* of the host's jobs or spares */
	struct list moved;		/* of those that have something to send */
	struct host *host;
	uint64_t id;
	struct mount *mount;
	struct alone *alone;		/* owned; of a filter that is tried, or NULL */
	struct screen *screen;		/* owned; of a filter's part, or NULL */
	bool filters;			/* it is one */
	bool unasked;			/* and its peer does not wait for a NEXT */
	bool receiving;			/* the request's body is not complete */
	bool later;			/* the handler has answered TC_LATER */
	bool started;			/* START is sent */
	size_t window;			/* bytes of DATA that may be sent */
	int64_t credit;			/* bytes of BODY that the peer may still send */
	int64_t timeout_ms;		/* that the handler has from each of them on */
	const char *facts[EXCHANGE_FACTS];
};

/* The one of that id, or NULL. */
struct job *job_find(const struct host *host, uint64_t id);

/* The frames of the peer that make and move jobs. A body that streams comes to the
 * handler by itself, as far as WINDOWs say that it may. */
int job_request(struct host *host, const struct frame *frame) MUST_USE;
int job_body(struct host *host, const struct frame *frame) MUST_USE;
int job_trailer(struct host *host, const struct frame *frame) MUST_USE;
int job_window(struct host *host, const struct frame *frame) MUST_USE;
int job_cancel(struct host *host, const struct frame *frame) MUST_USE;

/* Nobody waits for the reply of a handler that still runs. */
void job_desert(struct job *job);

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

/* Nobody waits for its reply: it is freed, now or when its handler has finished. */
void job_abandon(struct host *host, struct job *job);

/* Drops its reply, gives back its mount if it has one, and keeps it for another call. */
void job_free(struct host *host, struct job *job);

/* Sends what handlers that answer later have said since the last time. */
int job_send_moved(struct host *host) MUST_USE;

/* The end, for whatever reason: handlers that still hold jobs are told, and instances
 * lose their users; when those are closed, too, all jobs are dropped. */
void job_part_all(struct host *host);
void job_drop_all(struct host *host);

#endif
