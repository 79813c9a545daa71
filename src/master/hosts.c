/* SPDX-License-Identifier: MIT */
/* The hosts, seen from the master. */
#include "master/hosts.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "ipc/channel.h"
#include "ipc/page.h"
#include "master/children.h"
#include "master/hostexec.h"
#include "master/memories.h"
#include "master/obituary.h"
#include "master/rollout.h"

#define FIRST_DELAY_MS 100
#define MAX_DELAY_MS 30000
#define BREAKER_DEATHS 5
#define BREAKER_FIRST_S 30
#define BREAKER_MAX_S 600
#define ABORT_MS 1000		/* from SIGABRT, for the backtrace, to SIGKILL */
#define LOST_MS 2000		/* from the end of its socket to SIGKILL */

struct host {
	struct list link;		/* in master.hosts */
	struct master *master;
	struct child *child;
	uint32_t version;
	uint64_t max_memory;
	pid_t pid;			/* 0: none runs */
	const struct page *page;
	bool retired;			/* ends, and is not missed */
	bool hung;			/* killed by us for that */
	uint32_t crashes;
	uint32_t in_row;		/* deaths since it last answered */
	uint32_t breaker_s;		/* 0: closed */
	uint64_t answers;		/* of its processes before this one */
	struct timer timer; /* the next start, or SIGKILL for one that hangs */
};

static const char *name_of(const struct host *host)
{
	return versions_by_number(host->master, host->version)->plugin.note.name;
}

static uint64_t answers_of(const struct host *host)
{
	return host->page == NULL ? 0 : atomic_load(&host->page->finished);
}

static int tell_worker(const struct host *host, const struct hostexec *started)
{
	struct channel_message message = { .type = CHANNEL_HOST,
		.number = host->version,
		.value = (uint32_t)started->pid,
		.fds = { started->socket_fd, started->page_fd } };

	return channel_send(host->child->channel.fd, &message);
}

static void start(struct host *host)
{
	const struct version *version = versions_by_number(host->master, host->version);
	struct hostexec_how how = { .cpu = child_cpu(host->child),
		.board_fd = host->master->board_fd,
		.memory_fd = memories_get(host->master, version->plugin.note.name),
		.max_memory_bytes = host->max_memory };
	struct hostexec started;

	if (hostexec_start(&version->plugin, &how, &started) != 0) {
		log_say(LOG_ERROR, "cannot start a process for handler '%s': %s",
		    version->plugin.note.name, strerror(errno));
		timer_set(&host->master->loop->timers, &host->timer,
		    host->master->loop->now_ms + FIRST_DELAY_MS);
		return;
	}
	host->pid = started.pid;
	page_unmap(host->page);
	if (page_map_reader(started.page_fd, &host->page) != 0) {
		host->page = NULL;
	}
	/* A worker that cannot be told is dying; the next one gets hosts of its own. */
	if (tell_worker(host, &started) != 0) {
		log_say(LOG_WARN, "worker %u takes no host", host->child->index);
	}
	close(started.socket_fd);
	close(started.page_fd);
}

static void on_timer(struct timer *timer)
{
	struct host *host = LIST_OWNER(timer, struct host, timer);

	if (host->pid > 0) {
		kill(host->pid, SIGKILL);
	} else {
		start(host);
	}
}

static struct host *find(const struct child *child, uint32_t version)
{
	const struct list *hosts = &child->master->hosts;

	for (struct list *link = hosts->next; link != hosts; link = link->next) {
		struct host *host = LIST_OWNER(link, struct host, link);

		if (host->child == child && host->version == version && !host->retired) {
			return host;
		}
	}
	return NULL;
}

static void add(struct child *child, uint32_t version, uint64_t max_memory)
{
	struct host *host = memory_new(1, sizeof(*host));

	host->master = child->master;
	host->child = child;
	host->version = version;
	host->max_memory = max_memory;
	timer_init(&host->timer, on_timer);
	list_append(&child->master->hosts, &host->link);
	start(host);
}

static void forget(struct host *host)
{
	timer_cancel(&host->timer);
	list_remove(&host->link);
	page_unmap(host->page);
	free(host);
}

/* A reload may change the memory that a process has while it runs. */
static void change_limit(struct host *host, uint64_t max_memory)
{
	if (host->max_memory == max_memory) {
		return;
	}
	host->max_memory = max_memory;
	if (host->pid > 0 && hostexec_limit(host->pid, max_memory) != 0) {
		log_say(LOG_WARN,
		    "max_memory_bytes of handler '%s' waits for its next process: %s",
		    name_of(host), strerror(errno));
	}
}

void hosts_need(struct master *master, const struct version *version, uint64_t max_memory)
{
	for (uint32_t i = 0; i < master->worker_count; i++) {
		struct child *child = &master->children[i];
		struct host *host = find(child, version->plugin.version);

		if (host != NULL) {
			change_limit(host, max_memory);
		} else if (child->pid > 0) {
			add(child, version->plugin.version, max_memory);
		}
	}
}

/* It ends at the end of file of its socket; or is ended, if it does not. */
static void retire(struct host *host)
{
	host->retired = true;
	if (host->pid == 0) {
		forget(host);
	} else {
		timer_set(&host->master->loop->timers, &host->timer,
		    host->master->loop->now_ms + LOST_MS);
	}
}

void hosts_worker_gone(struct child *child)
{
	struct list *hosts = &child->master->hosts;

	for (struct list *link = hosts->next; link != hosts;) {
		struct host *host = LIST_OWNER(link, struct host, link);

		link = link->next;
		if (host->child == child && !host->retired) {
			retire(host);
		}
	}
}

static bool is_live(const struct host *host)
{
	const struct boot *live = rollout_live(host->master);

	for (size_t i = 0; i < live->plugins.count; i++) {
		const struct plugin *plugin = &live->plugins.items[i];

		if (plugin->version == host->version && plugin->isolated) {
			return true;
		}
	}
	return false;
}

void hosts_retired(struct child *child, uint32_t version)
{
	struct host *host = find(child, version);

	if (host != NULL) {
		uint64_t max_memory = host->max_memory;
		bool live = is_live(host) && !child->master->stopping && !child->leaving;

		retire(host);
		/* A generation that uses it again was on its way to the worker. */
		if (live) {
			add(child, version, max_memory);
		}
	}
}

void hosts_hung(struct child *child, uint32_t version, pid_t pid)
{
	struct host *host = find(child, version);

	if (host == NULL || host->pid != pid || host->hung) {
		return;
	}
	host->hung = true;
	log_say(LOG_ERROR,
	    "handler '%s' does not come back from %s: ending its process %d",
	    name_of(host),
	    host->page == NULL ? "a callback" : page_callback_name(host->page),
	    (int)host->pid);
	kill(host->pid, SIGABRT);
	timer_set(&host->master->loop->timers, &host->timer,
	    host->master->loop->now_ms + ABORT_MS);
}

void hosts_lost(struct child *child, uint32_t version, pid_t pid)
{
	struct host *host = find(child, version);

	if (host == NULL || host->pid != pid || host->hung) {
		return;
	}
	if (host->page != NULL && page_is_final(host->page)) {
		timer_set(&host->master->loop->timers, &host->timer,
		    host->master->loop->now_ms + LOST_MS);
	} else {
		/* It lives without its socket; if it is only slow to die, no harm is
		 * done. */
		kill(pid, SIGKILL);
	}
}

static void tell_died(const struct host *host)
{
	struct channel_message message = { .type = CHANNEL_DIED, .number = host->version,
		.value = (uint32_t)host->pid, .fds = { -1, -1 } };

	(void)!channel_send(host->child->channel.fd, &message);
}

static void tell_broken(const struct host *host)
{
	struct channel_message message = { .type = CHANNEL_BREAK, .number = host->version,
		.value = host->breaker_s, .fds = { -1, -1 } };

	(void)!channel_send(host->child->channel.fd, &message);
}

static void open_breaker(struct host *host)
{
	host->breaker_s = host->breaker_s == 0 ? BREAKER_FIRST_S : host->breaker_s * 2;
	if (host->breaker_s > BREAKER_MAX_S) {
		host->breaker_s = BREAKER_MAX_S;
	}
	log_say(LOG_ERROR,
	    "handler '%s' has died %u times without an answer between: 503 for %u s, "
	    "then a trial",
	    name_of(host), host->in_row, host->breaker_s);
	tell_broken(host);
	timer_set(&host->master->loop->timers, &host->timer,
	    host->master->loop->now_ms + (int64_t)host->breaker_s * 1000);
}

/* Never by a plain count of deaths: one poisonous request, sent again and again, would
 * shut the handler for everybody. */
static void restart(struct host *host)
{
	int64_t delay_ms = 0;

	if (host->in_row >= BREAKER_DEATHS) {
		open_breaker(host);
		return;
	}
	if (host->in_row > 1) {
		delay_ms = (int64_t)FIRST_DELAY_MS << (host->in_row - 2);
	}
	if (delay_ms > MAX_DELAY_MS) {
		delay_ms = MAX_DELAY_MS;
	}
	if (delay_ms == 0) {
		start(host);
	} else {
		timer_set(&host->master->loop->timers, &host->timer,
		    host->master->loop->now_ms + delay_ms);
	}
}

static void tell_death(const struct host *host, const struct version *version, int status)
{
	char text[OBITUARY_BYTES] = "died";

	if (host->page != NULL) {
		obituary(&version->plugin, host->page, status, text);
	}
	log_say(LOG_ERROR, "handler '%s', version %s, worker %u, process %d: %s",
	    version->plugin.note.name, version->plugin.hash, host->child->index,
	    (int)host->pid, text);
}

static bool is_draining(const struct child *child)
{
	const struct scoreboard_worker *slot =
	    &child->master->board->worker[child->index];

	return atomic_load(&slot->state) == SCOREBOARD_DRAINING;
}

/* Its worker has let go of it, which it may tell us only after we have seen the end. */
static bool ended_as_told(const struct host *host, int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 && host->page != NULL &&
	    atomic_load(&host->page->exited) == 0 &&
	    atomic_load(&host->page->running) == 0 &&
	    (!is_live(host) || is_draining(host->child));
}

/* By itself, and not because we have ended it. */
static bool crashed(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) != 0 : WTERMSIG(status) != SIGKILL;
}

static void on_death(struct host *host, int status)
{
	struct master *master = host->master;
	struct version *version = versions_by_number(master, host->version);
	uint64_t answers = answers_of(host);

	if (host->retired || master->stopping) {
		if (crashed(status)) {
			tell_death(host, version, status);
		}
		host->pid = 0;
		forget(host);
		return;
	}
	tell_died(host);
	if (ended_as_told(host, status)) {
		timer_cancel(&host->timer);
		host->pid = 0;
		return;
	}
	tell_death(host, version, status);
	timer_cancel(&host->timer);
	host->pid = 0;
	host->hung = false;
	host->crashes++;
	counter_add(&master->board->crashes[scoreboard_handler_find(master->board,
	    version->plugin.note.name)], 1);
	host->answers += answers;
	host->in_row = answers > 0 ? 1 : host->in_row + 1;
	if (answers > 0) {
		host->breaker_s = 0;
	}
	if (version_died(master, version, host->answers)) {
		rollout_plugins(master);
	}
	restart(host);
}

void hosts_reap(struct master *master)
{
	for (struct list *link = master->hosts.next; link != &master->hosts;) {
		struct host *host = LIST_OWNER(link, struct host, link);
		int status;

		link = link->next;
		if (host->pid > 0 && waitpid(host->pid, &status, WNOHANG) == host->pid) {
			on_death(host, status);
		}
	}
}

uint32_t hosts_reset(struct master *master, const char *name)
{
	uint32_t count = 0;

	for (struct list *link = master->hosts.next; link != &master->hosts;
	     link = link->next) {
		struct host *host = LIST_OWNER(link, struct host, link);

		if (strcmp(name_of(host), name) == 0 && !host->retired) {
			count++;
			host->in_row = 0;
			host->breaker_s = 0;
			if (host->pid == 0) {
				timer_cancel(&host->timer);
				start(host);
			}
		}
	}
	return count;
}

void hosts_release(struct master *master)
{
	while (!list_empty(&master->hosts)) {
		struct host *host = LIST_OWNER(master->hosts.next, struct host, link);

		if (host->pid > 0) {
			kill(host->pid, SIGKILL);
			(void)waitpid(host->pid, NULL, 0);
		}
		forget(host);
	}
}

void hosts_each(const struct master *master,
    void (*fn)(void *arg, const struct host_facts *facts), void *arg)
{
	for (struct list *link = master->hosts.next; link != &master->hosts;
	     link = link->next) {
		const struct host *host = LIST_OWNER(link, struct host, link);
		struct host_facts facts = { .worker = host->child->index,
			.version = host->version,
			.pid = host->pid,
			.crashes = host->crashes,
			.answers = host->answers + answers_of(host),
			.broken = host->breaker_s != 0 && host->pid == 0 };

		if (!host->retired) {
			fn(arg, &facts);
		}
	}
}
