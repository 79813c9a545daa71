/* SPDX-License-Identifier: MIT */
/*
 * A generation in a worker: configuration, site and TLS context, immutable. The newest
 * one serves what begins; a request that began under an older one ends under it, and
 * holds a reference until then. Connections belong to none, so that a reload never closes
 * one.
 */
#ifndef TINCAN_WORKER_GENERATION_H
#define TINCAN_WORKER_GENERATION_H

#include "os/loop.h"
#include "site/generation.h"
#include "site/site.h"
#include "tls/context.h"

struct worker;

struct generation {
	struct list link;		/* in worker.generations */
	struct worker *worker;
	struct generation_message message; /* its number, configuration and plugins */
	struct site site;
	struct tls_context *tls;	/* a reference */
	uint32_t references;
	uint32_t held;			/* of those, by what runs on threads */
	struct timer retire;		/* what it still serves has had its time */
	struct deferred later;		/* its end */
};

/* Reads the memfd and builds it. NULL, with the reason in why. */
struct generation *generation_open(struct worker *worker, int fd, char *why,
    size_t why_size);

/* Another has taken its place: requests end under it, and so do WebSockets and streams,
 * which are closed when drain_ms have passed. Drops its opener's reference. */
void generation_retire(struct generation *generation);

/* Certificates have been renewed, and the memfd has them: connections from now on get
 * those. NULL is accepted. */
void generation_renew_tls(struct generation *generation, int fd);

/* The worker drains: tells all instances of all generations so. */
void generations_stop(struct worker *worker);

/* The first reference is its opener's. The last one's end closes it, after this round. */
struct generation *generation_ref(struct generation *generation);
void generation_unref(struct generation *generation);	/* NULL is accepted */

/* Something of its handlers begins to run on a thread (1), or has come back (-1). */
void generation_hold(struct generation *generation, int change);

/* The worker ends: gives what runs on threads ms to come back. What does not keeps all
 * that it uses, but holds its generation no more. */
void generations_leave_threads(struct worker *worker, int ms);

#endif
