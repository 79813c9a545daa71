/* SPDX-License-Identifier: MIT */
/*
 * The master: the process that an operator starts and signals. It makes the listening
 * sockets, forks the workers and replaces those that die; it holds no private key, runs
 * no plugin code and reads no client's bytes. Lifetime: boot.
 *
 *	SIGTERM, SIGINT	drain and stop; a second one stops at once
 *	SIGUSR1		reopen the log files, here and in the workers
 */
#ifndef TINCAN_MASTER_MASTER_H
#define TINCAN_MASTER_MASTER_H

#include "ipc/scoreboard.h"
#include "master/boot.h"
#include "os/loop.h"
#include "tls/context.h"

/* A place for a worker; the process in it changes when one dies. */
struct child {
	struct master *master;
	uint32_t index;
	pid_t pid;		/* 0: none runs */
	int *listen_fds;	/* owned; of this place, kept while processes change */
	int64_t started_ms;
	int delay_ms;		/* before the next start, after deaths in a row */
	struct timer restart;
};

struct master {
	struct boot boot;
	struct loop *loop;
	struct scoreboard *board;
	struct tls_tickets tickets;
	struct watch signals;
	struct timer startup;	/* looks whether the workers serve yet */
	struct timer deadline;	/* of the drain */
	struct child *children;
	uint32_t worker_count;
	bool announced;		/* that it serves */
	bool stopping;
	int status;		/* the exit status */
};

/* Serves the file until told to stop; a log_level other than 0 counts instead of the
 * file's. Returns the exit status: 0 stopped in order, 1 failed, 2 the configuration
 * is bad. */
int master_run(const char *config_file, int log_level);

#endif
