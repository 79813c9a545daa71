/* SPDX-License-Identifier: MIT */
/*
 * The processes of one version of a plugin, seen from a worker: its remotes, and the one
 * way of the site to them. A handler that answers at once has a single remote, which
 * takes calls as they come. One that blocks has several, each with one call at a time:
 *
 *	call:  waits, in order --a remote is free--> remote_call
 *	          ^--- its host died, it had not begun ---/
 *
 * Lifetime: as that of its remotes.
 */
#ifndef TINCAN_REMOTE_POOL_H
#define TINCAN_REMOTE_POOL_H

#include <stddef.h>

#include "remote/remote.h"

struct pool;

/* What a pool tells its worker. */
struct pool_ops {
	/* So many calls wait for a free process. */
	void (*waiting)(void *arg, size_t count);
	/* One was refused, as too many wait. */
	void (*full)(void *arg);
	void *arg;
};

/* One that does not block, without a remote yet: the first must be there before
 * anything else is done. */
struct pool *pool_new(struct loop *loop, const struct pool_ops *ops);

/* Calls that wait get 503. The remotes stay. NULL is accepted. */
void pool_free(struct pool *pool);

/* Does its handler block, and how many calls may wait? */
void pool_set(struct pool *pool, bool blocking, uint32_t max_queue);

/* Borrows a remote of the same version: what is open in the others is opened in it. */
void pool_add(struct pool *pool, struct remote *remote);

/* That one is to take nothing new: when it has finished what it has, ops.idle of it says
 * so. Never the last of a pool. */
void pool_dismiss(struct pool *pool, struct remote *remote);

/* As those of remote.h, for all remotes. */
int pool_open(struct pool *pool, const struct open_message *message, uint32_t *instance)
    MUST_USE;
void pool_retire(struct pool *pool, uint32_t instance, int why);
void pool_shut(struct pool *pool, uint32_t instance);
void pool_stop(struct pool *pool);

/* As remote_call and remote_connect, by the remote that can best. A call that waits here
 * for longer than timeout_ms gets 504 without having run. */
void pool_call(struct pool *pool, uint32_t instance, struct exchange *exchange,
    uint32_t timeout_ms);
void pool_connect(struct pool *pool, uint32_t instance, struct duplex *duplex,
    struct exchange *upgrade, uint32_t timeout_ms);

/* As remote_orphan, for all; who waits, or comes, gets 503. */
void pool_orphan(struct pool *pool);

/* As remote_break; until pool_mend, when a host has been attached to any of them. */
void pool_break(struct pool *pool, uint32_t retry_after_s);
void pool_mend(struct pool *pool);

/* A remote has become free, or has a host: calls that wait go out. */
void pool_go_on(struct pool *pool);

/* A call was not begun by the remote that had it: it is the next. */
void pool_again(struct pool *pool, uint32_t instance, struct exchange *exchange,
    uint32_t timeout_ms);

/* Is there a process that has not refused the instance, or may do better? */
bool pool_opens(const struct pool *pool, uint32_t instance);

/* Does nothing wait, and is every remote idle? */
bool pool_idle(const struct pool *pool);

#endif
