/* SPDX-License-Identifier: MIT */
/*
 * A host: the process that runs the code of one plugin for one peer, a worker or the
 * master while it probes. One thread, one socket, one page; frames come in, go through
 * the same exchange and instance as they would in a worker, and frames go out.
 *
 * Functions of this room that take a host return 0, ERR_CLOSED if the peer has gone,
 * ERR_PROTOCOL if it sent what makes no sense, ERR_SYSTEM if the socket is not what it
 * was, or ERR_NOMEM. All of these end the process.
 * Lifetime: boot.
 */
#ifndef TINCAN_HOST_HOST_H
#define TINCAN_HOST_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/list.h"
#include "base/numbered.h"
#include "host/mount.h"
#include "host/outbox.h"
#include "host/talk.h"
#include "ipc/frame.h"
#include "ipc/shared.h"
#include "os/loop.h"
#include "plugin/bus.h"
#include "plugin/plugin.h"

struct host_setup {
	const char *name;	/* of the handler */
	const char *copy;	/* the private copy to load */
	const char *hash;
	int socket_fd;
	int page_fd;
	int board_fd;		/* the scoreboard, to read; -1: none */
	int memory_fd;		/* of the handler, to share; -1: none */
	bool probe;		/* the peer may ask for checks */
};

struct host {
	const struct host_setup *setup;
	struct loop *loop;
	struct watch peer;
	struct deferred round_end;	/* sends what callbacks have left to say */
	struct page *page;
	struct outbox outbox;
	struct buffer in;	/* what was received and not yet taken, behind */
	size_t taken;		/* bytes of it that were; and those that */
	size_t heard;		/* a handler that blocks has looked through */
	struct buffer frame;	/* the one that is being made; reset before use */
	/* The same, of what a callback says on the bus or to a peer: it may be called to
	 * release a reply's bytes, while that is being made in the other. */
	struct buffer said;
	struct bus_carrier bus;
	struct shared shared;	/* with other processes of the handler */
	struct plugin plugin;
	struct plugin_services services;
	struct numbered mounts;	/* owned, each, too */
	uint32_t busy;		/* what runs on threads */
	struct list jobs;	/* whose body is not complete, or whose reply waits */
	struct list moved;	/* jobs that are answered later, with something to send */
	struct list spares;	/* jobs to be used again */
	size_t spare_count;
	struct talks talks;
	uint64_t running;	/* the call whose handler runs; 0: none */
	uint64_t about;		/* what the callback that runs is about; 0: nothing */
	int64_t now_us;		/* monotonic; a moment ago */
	bool blocking;		/* its handler may block */
	bool answering;		/* a handler ran, and its answer is not yet safe */
	bool stopping;		/* end when the last job and the last talk have */
	int result;		/* why the loop was stopped */
};

/* Serves until the peer stops it or goes; the exit code of the process. */
int host_run(const struct host_setup *setup);

/* Appends what is there to host->in. Also ERR_AGAIN; ERR_LIMIT: it is full. */
int host_receive(struct host *host) MUST_USE;

/* Sends the frame in host->frame, whose packing had the result rc. */
int host_send(struct host *host, int rc) MUST_USE;

/* Sends a PROBLEM of that instance. */
int host_send_problem(struct host *host, uint32_t instance,
    const struct problem *problem) MUST_USE;

/* Says in the page what is about to run: the call of that number, with the id of its
 * request, or (0, "") another callback; and that it has. */
void host_enter(struct host *host, enum page_callback callback, uint64_t call,
    const char *request);
void host_leave(struct host *host);

/* A callback that began then is over: if it took long, what is in the batch is sent now,
 * before the next. */
int host_rest(struct host *host, int64_t began_us) MUST_USE;

/* What came of frames or callbacks: a failure ends the loop, and so does a STOP when
 * nothing is left to do. */
void host_settle(struct host *host, int rc);

#endif
