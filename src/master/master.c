/* SPDX-License-Identifier: MIT */
/* The master's life: boot, watch over the workers, stop. */
#include "master/master.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "master/renewals.h"
#include "master/children.h"
#include "master/commands.h"
#include "master/hangs.h"
#include "master/hosts.h"
#include "master/keeper.h"
#include "master/logs.h"
#include "master/memories.h"
#include "master/rollout.h"
#include "master/sockets.h"
#include "master/tickets.h"
#include "master/upgrade.h"
#include "master/versions.h"
#include "os/socket.h"

#define EXIT_MISUSE 2
/* What the workers may need beyond drain_ms to close what is left. */
#define DRAIN_GRACE_MS 5000

void master_serves(struct master *master)
{
	if (master->stopping) {
		return;
	}
	sockets_announce(master, rollout_live(master)->config);
	if (!master->announced) {
		master->announced = true;
		log_say(LOG_INFO, "serving with %u workers", master->worker_count);
		upgrade_serves(master);
	}
}

static void on_plugins_changed(void *arg)
{
	rollout_plugins(arg);
}

void master_watch_plugins(struct master *master)
{
	const struct config *config = rollout_live(master)->config;
	bool wanted = config->plugin_watch && !master->stopping;

	if (master->watching && wanted &&
	    strcmp(master->plugins.path, config->plugin_directory) == 0) {
		return;
	}
	if (master->watching) {
		directory_watch_release(&master->plugins);
	}
	master->watching = wanted;
	if (wanted) {
		/* Without the kernel's help changes are seen a little later. */
		(void)!directory_watch_init(&master->plugins, master->loop,
		    config->plugin_directory, on_plugins_changed, master);
		/* What has changed since the scan did so unseen. */
		rollout_plugins(master);
	}
}

static void kill_late(struct timer *timer)
{
	struct master *master = LIST_OWNER(timer, struct master, deadline);

	log_say(LOG_WARN, "%u workers did not end in time: killing them",
	    children_running(master));
	children_signal(master, SIGKILL);
}

void master_stop(struct master *master)
{
	if (master->stopping) {
		log_say(LOG_WARN, "stopping at once");
		children_signal(master, SIGKILL);
		return;
	}
	log_say(LOG_INFO, "stopping: finishing what is in flight");
	master->stopping = true;
	for (uint32_t i = 0; i < master->worker_count; i++) {
		timer_cancel(&master->children[i].restart);
	}
	/* First ours: workers take in what waits in the queues of theirs, then close
	 * them. */
	sockets_close(master);
	children_signal(master, SIGTERM);
	timer_set(&master->loop->timers, &master->deadline, master->loop->now_ms +
		rollout_live(master)->config->timeouts.drain_ms + DRAIN_GRACE_MS);
}

int master_take_control(struct master *master)
{
	struct problems problems;
	int rc = 0;

	problems_init(&problems);
	master->control = control_open(master->loop,
	    rollout_live(master)->config->control, command_run, master, &problems);
	if (master->control == NULL) {
		log_say(LOG_ERROR, "%s: %s", problems.items[0].where,
		    problems.items[0].what);
		rc = ERR_SYSTEM;
	}
	problems_release(&problems);
	return rc;
}

void master_leave_control(struct master *master)
{
	control_close(master->control);
	master->control = NULL;
}

static void take_signal(struct master *master, uint32_t number)
{
	switch (number) {
	case SIGTERM:
	case SIGINT:
		master_stop(master);
		break;
	case SIGHUP:
		rollout_reload(master, NULL);
		break;
	case SIGUSR2:
		upgrade_begin(master, NULL);
		break;
	case SIGUSR1:
		if (log_reopen() != 0) {
			log_say(LOG_ERROR, "cannot reopen the error log: %s",
			    strerror(errno));
		}
		logs_open(master);
		break;
	default:
		break;
	}
}

static void on_signal(struct watch *watch, uint32_t events)
{
	struct master *master = LIST_OWNER(watch, struct master, signals);
	struct signalfd_siginfo info;

	(void)events;
	while (read(watch->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		take_signal(master, info.ssi_signo);
	}
	/* SIGCHLDs of several children are merged into one. */
	children_reap(master);
	hosts_reap(master);
	keeper_reap(master);
	upgrade_reap(master);
	if (master->stopping && children_running(master) == 0) {
		loop_stop(master->loop);
	}
}

static int watch_signals(struct master *master)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGCHLD, SIGUSR1, SIGUSR2,
		SIGHUP };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		sigaddset(&set, numbers[i]);
	}
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	master->signals.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	master->signals.fn = on_signal;
	return master->signals.fd < 0 ? ERR_SYSTEM
				      : loop_add(master->loop, &master->signals, EPOLLIN);
}

static int open_log(const struct config *config)
{
	const struct config_log *log = &config->log;
	enum config_log_format format = log->format;

	if (log_open(log->error, (enum log_level)log->level, format == CONFIG_LOG_JSON,
	    format == CONFIG_LOG_TEXT) != 0) {
		fprintf(stderr, "tincan: %s: log.error: cannot open '%s': %s\n",
		    config->file, log->error, strerror(errno));
		return ERR_SYSTEM;
	}
	log_name("master");
	return 0;
}

static void init(struct master *master, struct boot *boot)
{
	const struct config *config = boot->config;

	master->worker_count = children_wanted(config);
	master->handlers_in_workers = config_any_in_worker(config);
	master->started_s = (int64_t)time(NULL);
	master->loop = loop_new();
	master->board = scoreboard_new(master->worker_count, &master->board_fd);
	master->blames = blames_new(SCOREBOARD_WORKERS);
	master->addresses = addresses_new();
	master->bus = bus_rings_new(&master->bell_fd);
	list_init(&master->listeners);
	list_init(&master->hosts);
	list_init(&master->squads);
	list_init(&master->versions);
	memories_init(master);
	logs_init(master);
	timer_init(&master->deadline, kill_late);
	children_init(master);
	hangs_init(master);
	sockets_raise_limit(config, master->worker_count);
	master->rollout = rollout_new(master, boot);
	master->renewals = renewals_new(master);
	master->tickets = tickets_new(master);
}

static int prepare(struct master *master)
{
	if (watch_signals(master) != 0) {
		log_say(LOG_ERROR, "cannot start: %s", strerror(errno));
		return ERR_SYSTEM;
	}
	if (keeper_start(master) != 0) {
		return ERR_SYSTEM;
	}
	upgrade_accept(master);
	tickets_serve(master);
	logs_open(master);
	if (rollout_start(master) != 0) {
		return ERR_SYSTEM;
	}
	/* In an upgrade the old master has it until this one serves. */
	return master->upgrade != NULL ? 0 : master_take_control(master);
}

static void serve(struct master *master)
{
	for (uint32_t i = 0; i < master->worker_count; i++) {
		child_start(&master->children[i]);
	}
	master_watch_plugins(master);
	/* On stderr they are already. */
	renewals_serve(master, strcmp(rollout_live(master)->config->log.error, "-") != 0);
	loop_run(master->loop);
	if (master->status == EXIT_SUCCESS) {
		log_say(LOG_INFO, "stopped");
	}
}

static void release(struct master *master)
{
	if (master->watching) {
		directory_watch_release(&master->plugins);
	}
	hangs_release(master);
	upgrade_release(master);
	control_close(master->control);
	hosts_release(master);
	keeper_stop(master);
	sockets_close(master);
	renewals_free(master->renewals);
	tickets_free(master->tickets);
	rollout_free(master->rollout);
	logs_release(master);
	versions_release(master);
	memories_release(master);
	free(master->children);
	addresses_free(master->addresses);
	bus_rings_free(master->bus);
	close(master->bell_fd);
	blames_free(master->blames, SCOREBOARD_WORKERS);
	scoreboard_free(master->board);
	close(master->board_fd);
	loop_run_deferred(master->loop);
	loop_free(master->loop);
	log_close();
}

static int run(struct master *master, struct boot *boot)
{
	if (open_log(boot->config) != 0) {
		return EXIT_FAILURE;
	}
	if (geteuid() == 0 && boot->user == NULL) {
		log_say(LOG_WARN, "workers and handlers run as root: \"user\" says who "
		    "they are to be instead");
	}
	init(master, boot);
	if (prepare(master) == 0) {
		serve(master);
	} else {
		master->status = EXIT_FAILURE;
	}
	release(master);
	return master->status;
}

static void tolerate_all(struct boot *boot)
{
	renewals_tolerate(boot, NULL);
}

int master_run(const char *config_file, int log_level)
{
	struct master master = { .file = config_file, .log_level = log_level,
		.status = EXIT_SUCCESS, .signals = { .fd = -1 } };
	struct boot boot;
	int status = EXIT_MISUSE;

	upgrade_remember();
	boot_load(&boot, config_file, tolerate_all);
	if (boot.config != NULL && log_level != 0) {
		boot.config->log.level = log_level;
	}
	if (boot.problems.errors == 0 && !renewals_any_good(boot.config)) {
		problems_add(&boot.problems, boot.config->file, NULL,
		    "no certificate can be used");
	}
	problems_print(&boot.problems, stderr);
	if (boot.problems.errors == 0) {
		status = run(&master, &boot);
	}
	boot_release(&boot);
	return status;
}
