/* SPDX-License-Identifier: MIT */
/*
 * A worker: the process that serves. One event loop on one thread: it accepts, speaks TLS
 * and HTTP, routes, calls handlers, logs and counts. The master forks it with everything
 * it needs in struct worker_setup; nothing else crosses. Lifetime: boot.
 */
#ifndef TINCAN_WORKER_WORKER_H
#define TINCAN_WORKER_WORKER_H

#include "base/list.h"
#include "base/log_pace.h"
#include "base/sink.h"
#include "config/config.h"
#include "exchange/exchange.h"
#include "http/date.h"
#include "http/h1_reader.h"
#include "ipc/addresses.h"
#include "ipc/bus_ring.h"
#include "ipc/scoreboard.h"
#include "os/loop.h"
#include "plugin/plugin.h"
#include "site/site_mount.h"
#include "tls/context.h"
#include "tls/session.h"
#include "tls/signer.h"
#include "ws/ws_shared.h"

#define WORKER_PLAIN_BYTES (32 * 1024)	/* plain bytes read in one go */
/* Of a reply's body written in one go: what a file gives is still in the CPU's nearest
 * cache when it is encrypted. */
#define WORKER_PIECE_BYTES (32 * 1024)
#define WORKER_SPARES 64		/* exchanges kept for reuse */

/* All that a worker inherits; what it serves comes over the channel. */
struct worker_setup {
	struct scoreboard *board;
	struct scoreboard_blames *blames;	/* this worker's */
	const struct ticket_page *tickets;
	struct addresses *addresses;
	struct bus_rings *bus;
	int bell_fd;		/* of the bus */
	uint32_t index;		/* its place on the scoreboard, and its ring */
	int channel_fd;
	bool handlers;		/* handlers are to run in it */
};

struct bus;
struct generation;

struct worker {
	struct config *config; /* of the newest generation; NULL before the first */
	struct generation *generation;	/* the newest */
	struct loop *loop;
	struct watch orders;		/* the channel to the master */
	struct watch signals;
	struct tls_wire wire;
	struct signer *signer;		/* the way to the keeper */
	const struct ticket_page *tickets;
	struct scoreboard *board;
	struct scoreboard_worker *self;
	struct addresses *addresses;
	uint32_t index;			/* its place among the workers */
	struct scoreboard_blame *blame;
	struct plugin_services services;
	struct bus *bus;
	struct list listeners;
	struct list remotes;
	struct list shares;	/* of handlers that run here */
	struct list connections;	/* but for these: */
	struct list handshakes;		/* in their handshake; the oldest first */
	struct list lines;
	struct site_mounts mounts;	/* of all generations that are in use */
	struct ws_shared websockets;
	struct tally held;		/* memory for what clients send and are sent */
	uint32_t connection_count;	/* of both */
	uint32_t handshake_count;
	uint32_t busy;			/* what of handlers runs on threads */
	uint32_t max_connections;	/* its share of the limit */
	struct log_pace proxy_said;	/* of those without a PROXY header */
	struct log_pace limits_said[LIMITS];
	struct http_limits http_limits;
	struct sink access;
	bool access_json;
	int key_log_fd;			/* owned; -1: none */
	struct timer access_flush;
	struct buffer access_line;	/* the one being put together */
	char *plain;			/* what a connection has read in its turn */
	struct buffer out;		/* what it writes in its turn */
	char *scratch; /* parts of files on their way; WORKER_PIECE_BYTES */
	struct exchange *spares[WORKER_SPARES];
	size_t spare_count;
	struct list parted; /* exchanges that have no client any more, but a handler */
	struct list finished;		/* of those */
	struct deferred recycling;	/* of them */
	struct list stages;		/* of filters, that have something to do */
	struct deferred staging;	/* of that */
	struct list resting;		/* those that let others have their turn */
	struct deferred rested;
	uint64_t ids;			/* where the generator of requests' ids is, */
	uint64_t ids_key;		/* and what nobody can guess of it */
	int64_t date_s;			/* the second that date is of */
	char date[HTTP_DATE_BYTES];
	bool draining;
	bool ending;			/* all is closed but the links to hosts */
	struct timer drain_timer;
};

/* Serves until SIGTERM and the end of the drain. Returns the exit status of the
 * process. */
int worker_run(const struct worker_setup *setup);

/* The HTTP date of now. */
struct slice worker_date(struct worker *worker);

/* A clean exchange, or NULL when out of memory. */
struct exchange *worker_take_exchange(struct worker *worker);

/* A session is done with it, whatever a handler may still have to say: exchange_part is
 * called here. In worker/exchanges.c. */
void worker_give_exchange(struct worker *worker, struct exchange *exchange);

/* A new generation's limits, for connections that there are, too. */
void worker_apply_limits(struct worker *worker);

/* Accepts no more, and ends when the last connection does. */
void worker_drain(struct worker *worker);

/* A connection or a parted exchange has gone: the last one ends a drain. */
void worker_check_drained(struct worker *worker);

#endif
