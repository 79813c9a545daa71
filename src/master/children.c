/* SPDX-License-Identifier: MIT */
/* The workers, seen from the master. */
#include "master/children.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "worker/worker.h"

/* A worker that lived this long was well: its place starts anew without delay. */
#define WELL_MS 10000
#define FIRST_DELAY_MS 100
#define MAX_DELAY_MS 30000

static void on_restart(struct timer *timer)
{
	child_start(LIST_OWNER(timer, struct child, restart));
}

void children_init(struct master *master)
{
	master->children = memory_new(master->worker_count, sizeof(*master->children));
	for (uint32_t i = 0; i < master->worker_count; i++) {
		struct child *child = &master->children[i];

		child->master = master;
		child->index = i;
		timer_init(&child->restart, on_restart);
	}
}

/* Of the master's descriptors a worker keeps its own sockets and the logs. */
static void close_masters(struct child *child)
{
	struct master *master = child->master;

	for (uint32_t i = 0; i < master->worker_count; i++) {
		if (i == child->index) {
			continue;
		}
		for (size_t s = 0; s < master->boot.config->listener_count; s++) {
			close(master->children[i].listen_fds[s]);
		}
	}
	close(master->signals.fd);
	close(master->loop->epoll_fd);
}

static _Noreturn void become_worker(struct child *child, pid_t parent)
{
	struct master *master = child->master;
	struct worker_setup setup = {
		.config = master->boot.config,
		.plugins = &master->boot.plugins,
		.board = master->board,
		.tickets = &master->tickets,
		.index = child->index,
		.listen_fds = child->listen_fds,
	};
	int status;

	/* A worker without a master would never be told to stop. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent) {
		_exit(EXIT_FAILURE);
	}
	close_masters(child);
	status = worker_run(&setup);
	log_close();
	/* Not exit(): handlers that the master registered are the master's. */
	fflush(NULL);
	_exit(status);
}

void child_start(struct child *child)
{
	struct scoreboard_worker *slot = &child->master->board->worker[child->index];
	pid_t parent = getpid();
	pid_t pid;

	atomic_store(&slot->state, SCOREBOARD_STARTING);
	atomic_store(&slot->started_s, (int64_t)time(NULL));
	atomic_store(&slot->connections, 0);
	blame_clear(&slot->blame);
	child->started_ms = clock_us() / 1000;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		become_worker(child, parent);
	}
	if (pid < 0) {
		log_say(LOG_ERROR, "cannot start worker %u: %s", child->index,
		    strerror(errno));
		timer_set(&child->master->loop->timers, &child->restart,
		    child->started_ms + FIRST_DELAY_MS);
		return;
	}
	child->pid = pid;
	atomic_store(&slot->pid, pid);
}

static void tell_death(const struct child *child, int status)
{
	const struct scoreboard_blame *blame =
	    &child->master->board->worker[child->index].blame;
	char how[64];

	if (WIFSIGNALED(status)) {
		snprintf(how, sizeof(how), "signal %d (%s)", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	} else {
		snprintf(how, sizeof(how), "exit status %d", WEXITSTATUS(status));
	}
	if (blame->handler[0] == '\0') {
		log_say(LOG_ERROR, "worker %u (pid %d) died: %s", child->index,
		    (int)child->pid, how);
	} else if (blame->request[0] == '\0') {
		log_say(LOG_ERROR, "worker %u (pid %d) died: %s, in handler '%s', %s",
		    child->index, (int)child->pid, how, blame->handler, blame->callback);
	} else {
		log_say(LOG_ERROR,
		    "worker %u (pid %d) died: %s, in handler '%s', %s, request %s: %s",
		    child->index, (int)child->pid, how, blame->handler, blame->callback,
		    blame->request, blame->target);
	}
}

static int next_delay(const struct child *child, int64_t lived_ms)
{
	int delay_ms = child->delay_ms * 2;

	if (lived_ms >= WELL_MS) {
		return 0;
	}
	return delay_ms == 0 ? FIRST_DELAY_MS :
	    delay_ms > MAX_DELAY_MS ? MAX_DELAY_MS : delay_ms;
}

static void replace(struct child *child)
{
	struct master *master = child->master;
	int64_t now_ms = clock_us() / 1000;

	child->delay_ms = next_delay(child, now_ms - child->started_ms);
	atomic_fetch_add(&master->board->restarts, 1);
	if (child->delay_ms == 0) {
		child_start(child);
		return;
	}
	log_say(LOG_INFO, "worker %u starts again in %d ms", child->index,
	    child->delay_ms);
	timer_set(&master->loop->timers, &child->restart, now_ms + child->delay_ms);
}

static void on_death(struct child *child, int status)
{
	struct master *master = child->master;
	bool ordered = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;

	if (!master->stopping || !ordered) {
		tell_death(child, status);
	}
	child->pid = 0;
	atomic_store(&master->board->worker[child->index].pid, 0);
	atomic_store(&master->board->worker[child->index].state, SCOREBOARD_EMPTY);
	if (master->stopping) {
		return;
	}
	/* What kills every worker before the first request is no matter of luck. */
	if (!master->announced && child->delay_ms >= FIRST_DELAY_MS * 4) {
		log_say(LOG_ERROR, "the workers do not start: giving up");
		master->status = EXIT_FAILURE;
		master->stopping = true;
		children_signal(master, SIGTERM);
		return;
	}
	replace(child);
}

void children_reap(struct master *master)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (uint32_t i = 0; i < master->worker_count; i++) {
			if (master->children[i].pid == pid) {
				on_death(&master->children[i], status);
			}
		}
	}
}

void children_signal(const struct master *master, int number)
{
	for (uint32_t i = 0; i < master->worker_count; i++) {
		if (master->children[i].pid > 0) {
			kill(master->children[i].pid, number);
		}
	}
}

uint32_t children_running(const struct master *master)
{
	uint32_t running = 0;

	for (uint32_t i = 0; i < master->worker_count; i++) {
		running += master->children[i].pid > 0;
	}
	return running;
}
