/* SPDX-License-Identifier: MIT */
/*
 * A generation in a worker: configuration, site and TLS context, immutable. The newest
 * one serves what begins; a request that began under an older one ends under it, and
 * holds a reference until then. Connections belong to none, so that a reload never closes
 * one; nor do WebSockets and streams, which are those of a mount (site/site_mount.h).
 */
#ifndef TINCAN_WORKER_GENERATION_H
#define TINCAN_WORKER_GENERATION_H

#include "os/loop.h"
#include "site/generation.h"
#include "site/site.h"
#include "tls/context.h"

struct worker;

struct generation {
	struct worker *worker;
	struct generation_message message; /* its number, configuration and plugins */
	struct site site;
	struct tls_context *tls;	/* a reference; NULL: it is not the newest */
	uint32_t references;
	struct deferred later;		/* its end */
};

/* Reads the memfd and builds it. NULL, with the reason in why. */
struct generation *generation_open(struct worker *worker, int fd, char *why,
    size_t why_size);

/* The newer one has taken its place: requests end under this one, and what only this one
 * has mounted is retired. Drops its opener's reference. */
void generation_retire(struct generation *generation, const struct generation *newer);

/* Certificates have been renewed, and the memfd has them: connections from now on get
 * those. NULL is accepted. */
void generation_renew_tls(struct generation *generation, int fd);

/* What handshakes leave for the key log goes to fd from now on, owned; -1: nowhere. */
void generation_log_keys(struct worker *worker, int fd);

/* The first reference is its opener's. The last one's end closes it, after this round. */
struct generation *generation_ref(struct generation *generation);
void generation_unref(struct generation *generation);	/* NULL is accepted */

#endif
