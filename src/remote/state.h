/* SPDX-License-Identifier: MIT */
/* What remote.c and call.c share. For this room alone. */
#ifndef TINCAN_REMOTE_STATE_H
#define TINCAN_REMOTE_STATE_H

#include "base/numbered.h"
#include "remote/link.h"
#include "remote/remote.h"
#include "remote/tunnel.h"

#define REMOTE_CALLS FRAME_CALLS	/* under way in one host; the next gets 503 */

struct call;

/* A link, and whose it is; NULL once another has taken its place. */
struct host_link {
	struct link link;
	struct deferred later;	/* its end */
	struct remote *remote;
	uint32_t pid;
	uint64_t answered;	/* calls whose replies have come */
};

struct remote_instance {
	uint32_t number;
	bool refused;		/* by on_open of the host there is */
	int retired;		/* why; 0: it is not */
	struct buffer open;	/* its OPEN frame, for every host to come */
};

struct remote {
	struct loop *loop;	/* borrowed */
	struct remote_ops ops;
	uint32_t last_instance;
	uint32_t retry_after_s;	/* not 0: calls are refused */
	bool orphaned;		/* nobody tells of deaths, or starts hosts */
	char *name;		/* owned */
	struct link *link;	/* NULL: no host at the moment */
	struct numbered instances;	/* owned, each, too */
	struct list waiting;	/* calls that no host has, in order */
	struct list sent;	/* calls that the host has, in order */
	struct call *calls[REMOTE_CALLS];	/* by the low bits of their id */
	uint16_t free_slots[REMOTE_CALLS];
	size_t free_count;
	size_t call_count;
	size_t chunks;		/* pieces of replies that wait to be sent to clients */
	uint64_t serial;
	struct tunnels tunnels;
	bool blocking;		/* its host runs one call at a time, */
	uint64_t occupant;	/* this one; 0: none */
	size_t unheard;		/* bytes of other things said to it meanwhile */
	bool leaving;		/* nothing new is to come */
	struct timer watch;	/* looks whether the host stands still */
	uint32_t timeout_ms;	/* that a callback may take */
};

/* Tells the worker if it can be freed. */
void remote_check_idle(struct remote *remote);

/* Opens in a new one what is open in another of the same plugin, by the same numbers. */
void remote_copy(struct remote *remote, const struct remote *other);

/* Of one that blocks: its host is busy, and that many bytes for later were sent to it.
 * Has it had enough? Then what can wait elsewhere should, until the call has returned. */
bool remote_fills(struct remote *remote, size_t size);

/* What was held up for its host goes on. */
void remote_go_on(struct remote *remote);

/* Of one that blocks: can its host take a call now? */
bool remote_is_free(const struct remote *remote);

/* Answers 503, and when to try again; 0 is soon. */
void remote_refuse(struct exchange *exchange, uint32_t retry_after_s);

/* Was the instance refused by the host that is attached? */
bool remote_refuses(const struct remote *remote, uint32_t number);

#endif
