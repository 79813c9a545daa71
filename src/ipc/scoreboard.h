/* SPDX-License-Identifier: MIT */
/*
 * The scoreboard: memory that the master makes and all its workers share. Each worker
 * writes its own part and nobody else's; everybody may read all of it. It answers two
 * questions: how much has been done (status), and what a worker was at when it died
 * (blame).
 *
 * Counters have one writer, so that counting is a load, an add and a store; readers may
 * see them a moment late. The blame is read when its writer is dead. Lifetime: boot.
 */
#ifndef TINCAN_IPC_SCOREBOARD_H
#define TINCAN_IPC_SCOREBOARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "ipc/figures.h"

#define SCOREBOARD_WORKERS 256		/* as many as a configuration may ask for */
#define SCOREBOARD_HANDLERS 256		/* distinct handlers of a server */
#define SCOREBOARD_NAME_BYTES 48
#define SCOREBOARD_TARGET_BYTES 160	/* of "GET /path", cut */
#define SCOREBOARD_CLASSES 5		/* 1xx .. 5xx */
#define SCOREBOARD_FIGURES 2048		/* of all handlers */
#define SCOREBOARD_CERTIFICATES 1024	/* that were ever served */
#define SCOREBOARD_SERVER 0		/* the "handler" of the server's own replies */

typedef _Atomic uint64_t counter;

static inline void counter_add(counter *c, uint64_t n)
{
	atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n,
	    memory_order_relaxed);
}

/* For one that many threads move up and down. */
static inline void gauge_move(counter *c, int change)
{
	atomic_fetch_add_explicit(c, (uint64_t)(int64_t)change, memory_order_relaxed);
}

static inline uint64_t counter_get(const counter *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}

enum scoreboard_state {
	SCOREBOARD_EMPTY, SCOREBOARD_STARTING, SCOREBOARD_READY, SCOREBOARD_DRAINING
};

/* What clients can use too much of; each has a counter. */
enum scoreboard_limit {
	LIMIT_MAX_CONNECTIONS,
	LIMIT_MAX_CONNECTIONS_PER_ADDRESS,
	LIMIT_MAX_HANDSHAKES,
	LIMIT_MAX_TARGET_BYTES,
	LIMIT_MAX_HEADER_BYTES,
	LIMIT_MAX_BODY_BYTES,
	LIMIT_MAX_STREAMS,
	LIMIT_MAX_REQUESTS_PER_CONNECTION,
	LIMIT_MAX_CONNECTION_BYTES,
	LIMIT_MAX_WORKER_BYTES,
	LIMIT_MIN_BODY_BYTES_PER_S,
	LIMIT_MIN_SEND_BYTES_PER_S,
	LIMIT_HANDSHAKE_MS,
	LIMIT_HEADER_MS,
	LIMIT_BODY_MS,
	LIMIT_WRITE_MS,
	LIMITS
};

/* By the names that they have in server.json: "limits.max_connections". */
extern const char *const scoreboard_limits[LIMITS];

/* What a handler has done in one worker. */
struct scoreboard_handler {
	counter requests[SCOREBOARD_CLASSES];	/* by the class of their status */
	counter us; /* from header to end of the reply, summed */
	counter waiting;		/* now, for a thread or process that is free */
	counter turned_away;		/* as too many waited */
};

/* What a worker is at: set before foreign code runs, cleared after. */
struct scoreboard_blame {
	_Atomic uint32_t turn;			/* another one for each callback */
	char handler[SCOREBOARD_NAME_BYTES];	/* "" when no handler runs */
	char callback[16];			/* "on_open", "on_request", "loading" */
	char request[20];			/* id, "" outside a request */
	char target[SCOREBOARD_TARGET_BYTES];
};

/* Of one worker. */
struct scoreboard_blames {
	struct scoreboard_blame running;	/* what its loop is at */
	/* What a thread beside the loop was at when it ended the process: then it is not
	 * the loop's fault. */
	struct scoreboard_blame crashed;
	_Atomic int refused_call;	/* the system call that has ended it; 0: none */
};

/* A figure of a handler, as all may see it; the master writes it. */
struct scoreboard_figure {
	uint32_t handler;		/* index of its name */
	uint32_t kind;
	bool first;			/* the first of that name, of whatever handler */
	_Atomic uint32_t next;		/* index of the next of that name; 0: none */
	char name[ROLL_NAME_BYTES];
	char help[ROLL_NOTE_BYTES];
	_Atomic double cells[FIGURE_CELLS];
};

/* A certificate, as all may see it; the master writes it. Its texts never change. */
struct scoreboard_certificate {
	_Atomic int64_t ends_s;		/* seconds since 1970; 0: it is not served now */
	uint32_t round;			/* when it was last shown; the master's */
	char names[128];
	char chain[256];		/* the end of a longer path */
};

struct scoreboard_worker {
	_Atomic pid_t pid;
	_Atomic int state;		/* enum scoreboard_state */
	_Atomic int64_t started_s;	/* seconds since 1970 */
	counter connections;		/* now */
	counter accepted;
	counter refused;		/* for one of the limits, before all else */
	counter evicted;		/* idle ones, closed to make room */
	counter limits[LIMITS];		/* how often each was met */
	counter proxy_refused;		/* of no proxy that is listed, or no header */
	counter handshakes;		/* done */
	counter resumed;		/* of those */
	counter tickets;		/* session tickets given to clients */
	counter tickets_unknown;	/* brought by them, that no key opens */
	counter handshakes_failed;
	counter abuses;			/* HTTP/2 connections ended for what they did */
	counter held_bytes;		/* now, of what clients send and are sent */
	counter received_bytes;		/* on the wire */
	counter sent_bytes;
	counter log_lost;
	struct scoreboard_handler handlers[SCOREBOARD_HANDLERS];
};

struct scoreboard {
	_Atomic uint32_t workers;	/* how many there are; the master changes it */
	_Atomic uint32_t handlers; /* names set so far; the first is the server's own */
	_Atomic uint64_t restarts;	/* workers that died and were replaced */
	_Atomic uint32_t ticket_keys;	/* that open session tickets; the master's */
	_Atomic int64_t ticket_key_s;	/* since when the newest seals; 0: no tickets */
	counter crashes[SCOREBOARD_HANDLERS];	/* of hosts; the master counts them */
	char names[SCOREBOARD_HANDLERS][SCOREBOARD_NAME_BYTES];
	_Atomic uint32_t figures;	/* so many of those below are set */
	struct scoreboard_figure figure[SCOREBOARD_FIGURES];
	_Atomic uint32_t certificates;	/* so many of those below are set */
	uint32_t certificate_round;	/* the master's: rounds that have ended */
	struct scoreboard_certificate certificate[SCOREBOARD_CERTIFICATES];
	struct scoreboard_worker
	    worker[SCOREBOARD_WORKERS]; /* unused ones cost nothing */
};

/* Maps one for that many workers; aborts if the kernel gives no memory. With reader_fd
 * not NULL, *reader_fd is a descriptor, owned by the caller, by which other processes can
 * read it and nothing more. */
struct scoreboard *scoreboard_new(uint32_t workers, int *reader_fd);
void scoreboard_free(struct scoreboard *board);

/* The scoreboard behind a reader's descriptor, for the rest of the process; or NULL. */
const struct scoreboard *scoreboard_map(int reader_fd);

/* The index of the handler of that name, a new one if need be; for the master, before it
 * starts workers that use it. SCOREBOARD_SERVER when the board is full. */
uint32_t scoreboard_handler_add(struct scoreboard *board, const char *name);

/* The same look-up, for workers: SCOREBOARD_SERVER if there is none. */
uint32_t scoreboard_handler_find(const struct scoreboard *board, const char *name);

/*
 * A place for a figure of the handler of that index, with 0 in its cells; for the master.
 * ERR_LIMIT: the board is full; ERR_INVALID: another handler has one of that name that is
 * of another kind, which no scraper could tell apart.
 */
int scoreboard_figure_add(struct scoreboard *board, uint32_t handler,
    const struct figure_known *known, struct scoreboard_figure **figure) MUST_USE;

/* Shows these; what only grows never shrinks. */
void scoreboard_figure_show(struct scoreboard_figure *figure,
    const double cells[FIGURE_CELLS]);

/* A certificate that is served; what was not shown since the last end of a round is not.
 * Those past SCOREBOARD_CERTIFICATES are left out. For the master. */
void scoreboard_certificate_show(struct scoreboard *board, const char *names,
    const char *chain, int64_t ends_s);
void scoreboard_certificates_end(struct scoreboard *board);

/* One for each of that many workers, shared with them and with nobody else: they hold
 * what clients ask for. Aborts if the kernel gives no memory. */
struct scoreboard_blames *blames_new(uint32_t workers);
void blames_free(struct scoreboard_blames *blames, uint32_t workers);

/* Who is to blame for the death of the worker; its handler is "" if nobody is. */
const struct scoreboard_blame *blames_settle(const struct scoreboard_blames *blames);

/* Is it at that turn of a handler still? If not, *turn becomes what it is at. */
bool blame_stands(const struct scoreboard_blame *blame, uint32_t *turn);

/* Says what is about to run; texts may be NULL and are cut. blame_clear when it has.
 * Async-signal-safe. */
void blame_set(struct scoreboard_blame *blame, const char *handler, const char *callback,
    const char *request, const char *method, const char *target);
void blame_clear(struct scoreboard_blame *blame);

#endif
