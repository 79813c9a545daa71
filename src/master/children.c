/* SPDX-License-Identifier: MIT */
/* The workers, seen from the master. */
#include "master/children.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "ipc/channel.h"
#include "ipc/ticket_page.h"
#include "master/hosts.h"
#include "master/obituary.h"
#include "master/rollout.h"
#include "master/sockets.h"
#include "master/tickets.h"
#include "master/versions.h"
#include "os/cpu.h"
#include "worker/worker.h"

/* A worker that lived this long was well: its place starts anew without delay. */
#define WELL_MS 10000
#define FIRST_DELAY_MS 100
#define GIVE_UP_MS 5000
#define MAX_DELAY_MS 30000

static void on_restart(struct timer *timer)
{
	struct child *child = LIST_OWNER(timer, struct child, restart);

	/* A worker started now would never be told to stop. */
	if (!child->master->stopping) {
		child_start(child);
	}
}

void children_init(struct master *master)
{
	master->children = memory_new(SCOREBOARD_WORKERS, sizeof(*master->children));
	for (uint32_t i = 0; i < SCOREBOARD_WORKERS; i++) {
		struct child *child = &master->children[i];

		child->master = master;
		child->index = i;
		child->channel.fd = -1;
		channel_queue_init(&child->orders);
		timer_init(&child->restart, on_restart);
	}
}

uint32_t children_wanted(const struct config *config)
{
	return config->workers > 0 ? config->workers : cpu_count();
}

int child_cpu(const struct child *child)
{
	return child->master->worker_count > cpu_count() ? -1 : cpu_at(child->index);
}

static int compare(const void *a, const void *b)
{
	int x = *(const int *)a;
	int y = *(const int *)b;

	return (x > y) - (x < y);
}

/* Of the master's descriptors a worker keeps its end of the channel, the log and the bell
 * of the bus; what it serves comes by the channel. */
static void close_masters(int channel_fd, int bell_fd)
{
	int keep[3] = { log_fd(), channel_fd, bell_fd };
	unsigned next = STDERR_FILENO + 1;

	qsort(keep, 3, sizeof(keep[0]), compare);
	for (size_t i = 0; i < 3; i++) {
		if (keep[i] >= (int)next) {
			if (keep[i] > (int)next) {
				(void)close_range(next, (unsigned)keep[i] - 1, 0);
			}
			next = (unsigned)keep[i] + 1;
		}
	}
	(void)close_range(next, UINT_MAX, 0);
}

static _Noreturn void become_worker(const struct child *child, int channel_fd,
    pid_t parent)
{
	const struct master *master = child->master;
	struct worker_setup setup = {
		.board = master->board,
		.blames = &master->blames[child->index],
		.tickets = tickets_page(master),
		.addresses = master->addresses,
		.bus = master->bus,
		.bell_fd = master->bell_fd,
		.index = child->index,
		.channel_fd = channel_fd,
		.handlers = master->handlers_in_workers,
	};
	const struct user *user = rollout_live(master)->user;
	int status;

	if (user != NULL && user_become(user) != 0) {
		log_say(LOG_ERROR, "worker %u cannot leave root: %s", child->index,
		    strerror(errno));
		_exit(EXIT_FAILURE);
	}
	/* A worker without a master would never be told to stop. Behind a change of user,
	 * which takes it back. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	prctl(PR_SET_NAME, "tincan-worker");
	if (getppid() != parent) {
		_exit(EXIT_FAILURE);
	}
	cpu_pin(child_cpu(child));
	close_masters(channel_fd, master->bell_fd);
	ticket_page_protect(tickets_page(master));
	status = worker_run(&setup);
	log_close();
	/* Not exit(): handlers that the master registered are the master's. */
	fflush(NULL);
	_exit(status);
}

static void take_message(struct child *child, struct channel_message *message)
{
	switch (message->type) {
	case CHANNEL_READY:
		rollout_ready(child, message->number);
		break;
	case CHANNEL_FAILED:
		rollout_failed(child, message->number, message->text);
		break;
	case CHANNEL_KILL:
		hosts_hung(child, message->number, (pid_t)message->value);
		break;
	case CHANNEL_LOST:
		hosts_lost(child, message->number, (pid_t)message->value);
		break;
	case CHANNEL_RETIRED:
		hosts_retired(child, message->number);
		break;
	default:
		log_say(LOG_ERROR, "worker %u sent a message of unknown type %u",
		    child->index, message->type);
		break;
	}
	channel_close_fds(message);
}

static void watch_room(struct child *child)
{
	bool stuck = child->orders.count > 0;

	if (stuck != child->stuck) {
		child->stuck = stuck;
		loop_modify(child->master->loop, &child->channel,
		    stuck ? EPOLLIN | EPOLLOUT : EPOLLIN);
	}
}

int child_tell(struct child *child, const struct channel_message *message)
{
	int rc = channel_queue_send(&child->orders, child->channel.fd, message);

	watch_room(child);
	return rc;
}

static void on_channel(struct watch *watch, uint32_t events)
{
	struct child *child = LIST_OWNER(watch, struct child, channel);
	struct channel_message message;
	int rc = 0;

	if (events & EPOLLOUT) {
		/* Its end is seen below. */
		(void)!channel_queue_flush(&child->orders, watch->fd);
		watch_room(child);
	}
	while (watch->fd >= 0 && (rc = channel_receive(watch->fd, &message)) == 0) {
		take_message(child, &message);
	}
	/* The end of a worker is told by SIGCHLD; here it only stops the noise. */
	if (rc != ERR_AGAIN && watch->fd >= 0) {
		loop_remove(child->master->loop, watch);
	}
}

static void close_channel(struct child *child)
{
	if (child->channel.fd >= 0) {
		loop_remove(child->master->loop, &child->channel);
		close(child->channel.fd);
		child->channel.fd = -1;
	}
	channel_queue_release(&child->orders);
	child->stuck = false;
}

static void try_again(struct child *child)
{
	int64_t now_ms = clock_us() / 1000;

	if (log_pace_due(&child->unstarted, now_ms, NULL)) {
		log_say(LOG_ERROR, "cannot start worker %u: %s", child->index,
		    strerror(errno));
	}
	timer_set(&child->master->loop->timers, &child->restart, now_ms + FIRST_DELAY_MS);
}

static void reset_slot(struct child *child)
{
	struct scoreboard *board = child->master->board;
	struct scoreboard_worker *slot = &board->worker[child->index];

	atomic_store(&slot->state, SCOREBOARD_STARTING);
	atomic_store(&slot->started_s, (int64_t)time(NULL));
	atomic_store(&slot->connections, 0);
	for (uint32_t i = 0; i < atomic_load(&board->handlers); i++) {
		atomic_store(&slot->handlers[i].waiting, 0);
	}
	blame_clear(&child->master->blames[child->index].running);
	blame_clear(&child->master->blames[child->index].crashed);
	atomic_store(&child->master->blames[child->index].refused_call, 0);
	child->started_ms = clock_us() / 1000;
}

void child_start(struct child *child)
{
	pid_t parent = getpid();
	int fds[2];

	reset_slot(child);
	if (channel_pair(fds) != 0) {
		try_again(child);
		return;
	}
	fflush(NULL);
	child->pid = fork();
	if (child->pid == 0) {
		become_worker(child, fds[1], parent);
	}
	close(fds[1]);
	child->channel = (struct watch){ .fd = fds[0], .fn = on_channel };
	if (child->pid < 0 ||
	    loop_add(child->master->loop, &child->channel, EPOLLIN) != 0) {
		child->pid = child->pid < 0 ? 0 : child->pid;
		close_channel(child);
		try_again(child);
		return;
	}
	atomic_store(&child->master->board->worker[child->index].pid, child->pid);
	rollout_worker_started(child);
}

static void tell_death(const struct child *child, int status)
{
	const struct scoreboard_blame *blame =
	    blames_settle(&child->master->blames[child->index]);
	char how[OBITUARY_CAUSE_BYTES];

	obituary_cause(status, atomic_load(
	    &child->master->blames[child->index].refused_call), how);
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

/* A handler that has brought down a worker, and with it every connection there, runs in a
 * process of its own from now on. */
static void demote(struct child *child)
{
	struct master *master = child->master;
	const char *name = blames_settle(&master->blames[child->index])->handler;
	const struct boot *live = rollout_live(master);

	for (size_t i = 0; name[0] != '\0' && i < live->plugins.count; i++) {
		const struct plugin *plugin = &live->plugins.items[i];
		struct version *version;

		if (plugin->refusal != NULL || plugin->isolated ||
		    strcmp(plugin->note.name, name) != 0) {
			continue;
		}
		version = versions_by_number(master, plugin->version);
		version->demoted = true;
		log_say(LOG_WARN,
		    "handler '%s' has crashed a worker: from now on it runs in a "
		    "process of its own",
		    name);
		(void)version_died(master, version, UINT64_MAX);
		rollout_plugins(master);
	}
}

static void on_death(struct child *child, int status)
{
	struct master *master = child->master;
	bool ordered = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;

	if (!(master->stopping || child->leaving) || !ordered) {
		tell_death(child, status);
	}
	child->pid = 0;
	hosts_worker_gone(child);
	close_channel(child);
	addresses_forget(master->addresses, child->index);
	atomic_store(&master->board->worker[child->index].pid, 0);
	atomic_store(&master->board->worker[child->index].state, SCOREBOARD_EMPTY);
	if (child->leaving) {
		child->leaving = false;
		/* It may be wanted again by now. */
		if (!master->stopping && child->index < master->worker_count) {
			child_start(child);
		}
		return;
	}
	if (master->stopping) {
		return;
	}
	demote(child);
	/* What kills every worker before the first request is no matter of luck. */
	if (!master->announced && child->delay_ms >= FIRST_DELAY_MS * 4) {
		log_say(LOG_ERROR, "the workers do not start: giving up");
		master->status = EXIT_FAILURE;
		master->stopping = true;
		children_signal(master, SIGTERM);
		/* One that hangs in a handler's on_open sees no signal. */
		timer_set(&master->loop->timers, &master->deadline,
		    clock_us() / 1000 + GIVE_UP_MS);
		return;
	}
	replace(child);
}

void children_resize(struct master *master, uint32_t count)
{
	uint32_t before = master->worker_count;

	if (count == before) {
		return;
	}
	log_say(LOG_INFO, "workers: %u from now on, %u before", count, before);
	master->worker_count = count;
	atomic_store(&master->board->workers, count);
	for (uint32_t i = before; i < count; i++) {
		/* One that is still leaving starts again when it has left. */
		if (master->children[i].pid == 0) {
			child_start(&master->children[i]);
		}
	}
	for (uint32_t i = count; i < before; i++) {
		struct child *child = &master->children[i];

		timer_cancel(&child->restart);
		/* First ours, so that the worker's are the last: what has been put into
		 * their queues is taken in before those are closed. */
		sockets_close_of(child);
		child->leaving = child->pid > 0;
		if (child->leaving) {
			kill(child->pid, SIGTERM);
		}
	}
}

void children_reap(struct master *master)
{
	for (uint32_t i = 0; i < SCOREBOARD_WORKERS; i++) {
		struct child *child = &master->children[i];
		int status;

		if (child->pid > 0 &&
		    waitpid(child->pid, &status, WNOHANG) == child->pid) {
			on_death(child, status);
		}
	}
}

void children_signal(const struct master *master, int number)
{
	for (uint32_t i = 0; i < SCOREBOARD_WORKERS; i++) {
		if (master->children[i].pid > 0) {
			kill(master->children[i].pid, number);
		}
	}
}

uint32_t children_running(const struct master *master)
{
	uint32_t running = 0;

	for (uint32_t i = 0; i < SCOREBOARD_WORKERS; i++) {
		running += master->children[i].pid > 0;
	}
	return running;
}
