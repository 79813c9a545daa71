/* SPDX-License-Identifier: MIT */
/*
 * The master: the process that an operator starts and signals. It makes the listening
 * sockets, starts the workers and the hosts and replaces those that die, watches the
 * plugin directory, and hands out generations. It holds no private key, runs no plugin
 * code and reads no client's bytes. Lifetime: boot.
 *
 *	SIGTERM, SIGINT	drain and stop; a second one stops at once
 *	SIGHUP		reload
 *	SIGUSR1		reopen the log files
 *	SIGUSR2		start the program anew from its file, and hand over to it
 */
#ifndef TINCAN_MASTER_MASTER_H
#define TINCAN_MASTER_MASTER_H

#include "base/list.h"
#include "base/log_pace.h"
#include "base/sink.h"
#include "control/control.h"
#include "ipc/addresses.h"
#include "ipc/bus_ring.h"
#include "ipc/channel_queue.h"
#include "ipc/scoreboard.h"
#include "master/boot.h"
#include "os/directory.h"
#include "os/loop.h"
#include "site/generation.h"

struct master;

/* A place for a worker; the process in it changes when one dies. */
struct child {
	struct master *master;
	uint32_t index;
	pid_t pid;		/* 0: none runs */
	struct watch channel;	/* fd -1: none */
	struct channel_queue orders;	/* that it has no room for yet */
	bool stuck;		/* some are in there */
	uint32_t generation;	/* the newest that it serves */
	bool leaving;		/* told to stop, as fewer are wanted */
	bool keeperless;	/* to be connected with the keeper */
	int64_t started_ms;
	int delay_ms;		/* before the next start, after deaths in a row */
	struct log_pace unstarted;	/* that it cannot be started */
	struct timer restart;
	uint32_t turn;		/* hangs.c: of the handler that it is at, */
	uint32_t looks;		/* and how often that was the same */
};

struct master {
	const char *file;	/* of the configuration */
	int log_level;		/* 0: as the configuration says */
	struct loop *loop;
	struct scoreboard *board;
	int board_fd;		/* for hosts, to read */
	struct scoreboard_blames *blames;	/* one per worker */
	struct addresses *addresses;	/* of the workers' clients */
	struct bus_rings *bus;	/* for the workers; the master never looks into it */
	int bell_fd;		/* of the bus */
	struct watch signals;
	struct timer deadline;	/* of the drain */
	struct child *children;	/* SCOREBOARD_WORKERS places */
	uint32_t worker_count;	/* the first so many are to run */
	struct list listeners;	/* sockets.c */
	struct list hosts;	/* hosts.c */
	struct list squads;
	struct list versions;	/* versions.c */
	struct list memories;	/* memories.c */
	struct timer figures;	/* shows what handlers measure */
	struct timer hangs;	/* looks for workers that stand still */
	struct keeper_link *keeper;	/* keeper.c */
	struct rollout *rollout;	/* rollout.c: generations */
	struct sink access;	/* logs.c: for the workers */
	int key_log_fd;
	struct renewals *renewals;	/* renewals.c */
	struct tickets *tickets;	/* tickets.c */
	struct directory_watch plugins;
	struct control *control;
	struct upgrade *upgrade;	/* under way; NULL: none is */
	int64_t started_s;	/* seconds since 1970 */
	bool watching;		/* plugins is set up */
	bool handlers_in_workers;	/* they have been started to run some */
	bool announced;		/* that it serves */
	bool stopping;
	int status;		/* the exit status */
};

/* Serves the file until told to stop; a log_level other than 0 counts instead of the
 * file's. Returns the exit status: 0 stopped in order, 1 failed, 2 the configuration is
 * bad. */
int master_run(const char *config_file, int log_level);

/* Stops, in order the first time. */
void master_stop(struct master *master);

/* Opens the control socket of the live configuration; what goes wrong is logged. Leaves
 * it to the next. */
int master_take_control(struct master *master);
void master_leave_control(struct master *master);

/* Every worker serves the newest generation; the first time that is news. */
void master_serves(struct master *master);

/* Watches the plugin directory that the live configuration names, if it says so. */
void master_watch_plugins(struct master *master);

#endif
