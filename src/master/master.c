/* SPDX-License-Identifier: MIT */
/* The master's life: boot, watch over the workers, stop. */
#include "master/master.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "master/children.h"
#include "master/sockets.h"
#include "os/socket.h"

#define EXIT_MISUSE 2
#define STARTUP_CHECK_MS 10
/* What the workers may need beyond drain_ms to close what is left. */
#define DRAIN_GRACE_MS 5000

static uint32_t count_cpus(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) != 0 ? 1 :
	    (uint32_t)CPU_COUNT(&set);
}

static void announce(struct master *master)
{
	const struct config *config = master->boot.config;

	for (size_t i = 0; i < config->listener_count; i++) {
		const struct config_listener *listener = &config->listeners[i];
		union socket_address address;
		char name[SOCKET_NAME_BYTES];

		if (socket_address_set(&address, listener->host, listener->port) == 0) {
			socket_address_name(&address, name);
			log_say(LOG_INFO, "listening on https://%s", name);
		}
	}
	log_say(LOG_INFO, "serving with %u workers", master->worker_count);
}

static void check_startup(struct timer *timer)
{
	struct master *master = LIST_OWNER(timer, struct master, startup);
	uint32_t ready = 0;

	for (uint32_t i = 0; i < master->worker_count; i++) {
		ready += atomic_load(&master->board->worker[i].state) == SCOREBOARD_READY;
	}
	if (ready == master->worker_count && !master->stopping) {
		master->announced = true;
		announce(master);
	} else if (!master->stopping) {
		timer_set(&master->loop->timers, timer,
		    master->loop->now_ms + STARTUP_CHECK_MS);
	}
}

static void kill_late(struct timer *timer)
{
	struct master *master = LIST_OWNER(timer, struct master, deadline);

	log_say(LOG_WARN, "%u workers did not end in time: killing them",
	    children_running(master));
	children_signal(master, SIGKILL);
}

static void stop(struct master *master)
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
	/* Workers take in what waits in the queues of theirs before they close them. */
	children_signal(master, SIGTERM);
	sockets_close(master);
	timer_set(&master->loop->timers, &master->deadline, master->loop->now_ms +
	    master->boot.config->timeouts.drain_ms + DRAIN_GRACE_MS);
}

static void take_signal(struct master *master, uint32_t number)
{
	switch (number) {
	case SIGTERM:
	case SIGINT:
		stop(master);
		break;
	case SIGUSR1:
		if (log_reopen() != 0) {
			log_say(LOG_ERROR, "cannot reopen '%s': %s",
			    master->boot.config->log.error, strerror(errno));
		}
		children_signal(master, SIGUSR1);
		break;
	case SIGHUP:
		log_say(LOG_WARN, "SIGHUP: reload is not supported yet, restart instead");
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
	if (master->stopping && children_running(master) == 0) {
		loop_stop(master->loop);
	}
}

static int watch_signals(struct master *master)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGCHLD, SIGUSR1, SIGHUP };
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

static void name_handlers(struct master *master)
{
	const struct plugin_set *plugins = &master->boot.plugins;

	for (size_t i = 0; i < plugins->count; i++) {
		const struct plugin *plugin = &plugins->items[i];

		if (plugin->refusal == NULL) {
			scoreboard_handler_add(master->board, plugin->note.name);
		} else {
			log_say(LOG_ERROR, "%s is not served: %s", plugin->file,
			    plugin->refusal);
		}
	}
}

static int prepare(struct master *master)
{
	const struct config *config = master->boot.config;

	if (open_log(config) != 0) {
		return ERR_SYSTEM;
	}
	master->worker_count = config->workers == 0 ? count_cpus() : config->workers;
	master->loop = loop_new();
	master->board = scoreboard_new(master->worker_count);
	timer_init(&master->startup, check_startup);
	timer_init(&master->deadline, kill_late);
	children_init(master);
	name_handlers(master);
	sockets_raise_limit(config, master->worker_count);
	if (sockets_open(master) != 0) {
		return ERR_SYSTEM;
	}
	if (tls_tickets_make(&master->tickets) != 0 || watch_signals(master) != 0) {
		log_say(LOG_ERROR, "cannot start: %s", strerror(errno));
		return ERR_SYSTEM;
	}
	return 0;
}

static void serve(struct master *master)
{
	for (uint32_t i = 0; i < master->worker_count; i++) {
		child_start(&master->children[i]);
	}
	timer_set(&master->loop->timers, &master->startup, master->loop->now_ms);
	loop_run(master->loop);
	if (master->status == EXIT_SUCCESS) {
		log_say(LOG_INFO, "stopped");
	}
}

static void release(struct master *master)
{
	if (master->children != NULL) {
		sockets_close(master);
	}
	free(master->children);
	scoreboard_free(master->board);
	loop_free(master->loop);
	boot_release(&master->boot);
	log_close();
}

int master_run(const char *config_file, int log_level)
{
	struct master master = { .status = EXIT_SUCCESS, .signals = { .fd = -1 } };

	boot_load(&master.boot, config_file);
	if (master.boot.config != NULL && log_level != 0) {
		master.boot.config->log.level = log_level;
	}
	problems_print(&master.boot.problems, stderr);
	if (master.boot.problems.errors > 0) {
		master.status = EXIT_MISUSE;
	} else if (prepare(&master) != 0) {
		master.status = EXIT_FAILURE;
	} else {
		serve(&master);
	}
	release(&master);
	return master.status;
}
