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
#include "master/hosts_state.h"
#include "master/memories.h"
#include "master/rollout.h"

#define ABORT_MS 1000		/* from SIGABRT, for the backtrace, to SIGKILL */
#define LOST_MS 2000		/* from the end of its socket to SIGKILL */

const char *hosts_name(const struct master *master, uint32_t version)
{
	return versions_by_number(master, version)->plugin.note.name;
}

uint64_t host_answers(const struct host *host)
{
	return host->page == NULL ? 0 : atomic_load(&host->page->finished);
}

static int tell_worker(const struct host *host, const struct hostexec *started)
{
	struct channel_message message = { .type = CHANNEL_HOST,
		.number = host->version,
		.value = (uint32_t)started->pid,
		.fds = { started->socket_fd, started->page_fd } };

	return child_tell(host->child, &message);
}

/* One that blocks works while its worker does: it is not to sit on the same CPU. */
static int cpu_of(const struct host *host, const struct version *version)
{
	return version->plugin.can & PLUGIN_BLOCKING ? -1 : child_cpu(host->child);
}

static void say_unstarted(struct host *host)
{
	if (log_pace_due(&host->unstarted, host->master->loop->now_ms, NULL)) {
		log_say(LOG_ERROR, "cannot start a process for handler '%s': %s",
		    hosts_name(host->master, host->version), strerror(errno));
	}
}

void host_start(struct host *host)
{
	const struct version *version = versions_by_number(host->master, host->version);
	const struct boot *live = rollout_live(host->master);
	struct hostexec_how how = { .cpu = cpu_of(host, version),
		.board_fd = host->master->board_fd,
		.memory_fd = memories_get(host->master, version->plugin.note.name),
		.max_memory_bytes = host->squad->max_memory,
		.paths = config_paths_of(live->config, version->plugin.note.name),
		.user = live->user };
	struct hostexec started;

	if (hostexec_start(&version->plugin, &how, &started) != 0) {
		say_unstarted(host);
		timer_set(&host->master->loop->timers, &host->timer,
		    host->master->loop->now_ms + HOSTS_FIRST_DELAY_MS);
		return;
	}
	host->pid = started.pid;
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
		host_start(host);
	}
}

static struct squad *find_squad(const struct child *child, uint32_t version)
{
	const struct list *squads = &child->master->squads;

	for (struct list *link = squads->next; link != squads; link = link->next) {
		struct squad *squad = LIST_OWNER(link, struct squad, link);

		if (squad->child == child && squad->version == version) {
			return squad;
		}
	}
	return NULL;
}

/* The live host of that process, or NULL. */
static struct host *find(const struct child *child, uint32_t version, pid_t pid)
{
	const struct list *hosts = &child->master->hosts;

	for (struct list *link = hosts->next; link != hosts; link = link->next) {
		struct host *host = LIST_OWNER(link, struct host, link);

		if (host->child == child && host->version == version &&
		    host->pid == pid && host->squad != NULL) {
			return host;
		}
	}
	return NULL;
}

uint32_t squad_count(const struct squad *squad)
{
	const struct list *hosts = &squad->master->hosts;
	uint32_t count = 0;

	for (struct list *link = hosts->next; link != hosts; link = link->next) {
		count += LIST_OWNER(link, struct host, link)->squad == squad;
	}
	return count;
}

static void add(struct squad *squad)
{
	struct host *host = memory_new(1, sizeof(*host));

	host->master = squad->master;
	host->child = squad->child;
	host->squad = squad;
	host->version = squad->version;
	timer_init(&host->timer, on_timer);
	list_append(&squad->master->hosts, &host->link);
	host_start(host);
}

uint64_t squad_answers(const struct squad *squad)
{
	const struct list *hosts = &squad->master->hosts;
	uint64_t sum = squad->answers;

	for (struct list *link = hosts->next; link != hosts; link = link->next) {
		const struct host *host = LIST_OWNER(link, struct host, link);

		sum += host->squad == squad ? host->answers + host_answers(host) : 0;
	}
	return sum;
}

void host_forget(struct host *host)
{
	if (host->squad != NULL) {
		host->squad->answers += host->answers + host_answers(host);
	}
	timer_cancel(&host->timer);
	list_remove(&host->link);
	page_unmap(host->page);
	free(host);
}

/* Those that do not run. */
static void start_missing(struct squad *squad)
{
	const struct list *hosts = &squad->master->hosts;

	for (struct list *link = hosts->next; link != hosts; link = link->next) {
		struct host *host = LIST_OWNER(link, struct host, link);

		if (host->squad == squad && host->pid == 0) {
			timer_cancel(&host->timer);
			host_start(host);
		}
	}
}

void squad_tell_broken(const struct squad *squad, uint32_t seconds)
{
	struct channel_message message = { .type = CHANNEL_BREAK,
		.number = squad->version, .value = seconds, .fds = { -1, -1 } };

	(void)!child_tell(squad->child, &message);
}

static void on_trial(struct timer *timer)
{
	struct squad *squad = LIST_OWNER(timer, struct squad, trial);

	squad_tell_broken(squad, 0);
	start_missing(squad);
}

static struct squad *new_squad(struct child *child, uint32_t version)
{
	struct squad *squad = memory_new(1, sizeof(*squad));

	squad->master = child->master;
	squad->child = child;
	squad->version = version;
	timer_init(&squad->trial, on_trial);
	list_append(&child->master->squads, &squad->link);
	return squad;
}

/* A reload may change the memory that a process has while it runs. */
static void change_limit(const struct squad *squad)
{
	const struct list *hosts = &squad->master->hosts;

	for (struct list *link = hosts->next; link != hosts; link = link->next) {
		const struct host *host = LIST_OWNER(link, struct host, link);

		if (host->squad == squad && host->pid > 0 &&
		    hostexec_limit(host->pid, squad->max_memory) != 0) {
			log_say(LOG_WARN,
			    "max_memory_bytes of handler '%s' waits for its next "
			    "process: %s",
			    hosts_name(squad->master, squad->version), strerror(errno));
		}
	}
}

static void tell_count(const struct squad *squad)
{
	struct channel_message message = { .type = CHANNEL_PROCESSES,
		.number = squad->version, .value = squad->wanted, .fds = { -1, -1 } };

	snprintf(message.text, sizeof(message.text), "%s",
	    hosts_name(squad->master, squad->version));
	(void)!child_tell(squad->child, &message);
}

/* Those too many that run are let go by their worker, when they are free. */
static void drop_missing(const struct squad *squad)
{
	const struct list *hosts = &squad->master->hosts;
	uint32_t surplus = squad_count(squad) - squad->wanted;

	for (struct list *link = hosts->next; surplus > 0 && link != hosts;) {
		struct host *host = LIST_OWNER(link, struct host, link);

		link = link->next;
		if (host->squad == squad && host->pid == 0) {
			host_forget(host);
			surplus--;
		}
	}
}

static void resize(struct squad *squad, uint32_t wanted)
{
	squad->wanted = wanted;
	tell_count(squad);
	if (squad_count(squad) > wanted) {
		drop_missing(squad);
	}
	for (uint32_t count = squad_count(squad); count < wanted; count++) {
		add(squad);
	}
}

static void need(struct child *child, uint32_t version, const struct hosts_want *want)
{
	struct squad *squad = find_squad(child, version);

	if (squad == NULL) {
		squad = new_squad(child, version);
		squad->max_memory = want->max_memory;
	}
	if (squad->max_memory != want->max_memory) {
		squad->max_memory = want->max_memory;
		change_limit(squad);
	}
	if (squad->wanted != want->count) {
		resize(squad, want->count);
	}
}

void hosts_need(struct master *master, const struct version *version,
    const struct hosts_want *want)
{
	for (uint32_t i = 0; i < master->worker_count; i++) {
		struct child *child = &master->children[i];

		if (child->pid > 0) {
			need(child, version->plugin.version, want);
		}
	}
}

/* It ends at the end of file of its socket; or is ended, if it does not. */
static void retire(struct host *host)
{
	host->squad = NULL;
	if (host->pid == 0) {
		host_forget(host);
	} else {
		timer_set(&host->master->loop->timers, &host->timer,
		    host->master->loop->now_ms + LOST_MS);
	}
}

static void dismiss(struct squad *squad)
{
	struct list *hosts = &squad->master->hosts;

	for (struct list *link = hosts->next; link != hosts;) {
		struct host *host = LIST_OWNER(link, struct host, link);

		link = link->next;
		if (host->squad == squad) {
			retire(host);
		}
	}
	timer_cancel(&squad->trial);
	list_remove(&squad->link);
	free(squad);
}

void hosts_worker_gone(struct child *child)
{
	struct list *squads = &child->master->squads;

	for (struct list *link = squads->next; link != squads;) {
		struct squad *squad = LIST_OWNER(link, struct squad, link);

		link = link->next;
		if (squad->child == child) {
			dismiss(squad);
		}
	}
}

bool hosts_serve(const struct master *master, uint32_t version)
{
	const struct boot *live = rollout_live(master);

	for (size_t i = 0; i < live->plugins.count; i++) {
		const struct plugin *plugin = &live->plugins.items[i];

		if (plugin->version == version && plugin->isolated) {
			return true;
		}
	}
	return false;
}

void hosts_retired(struct child *child, uint32_t version)
{
	struct squad *squad = find_squad(child, version);

	if (squad != NULL) {
		struct hosts_want want = { .count = squad->wanted,
			.max_memory = squad->max_memory };
		bool live = hosts_serve(child->master, version) &&
		    !child->master->stopping && !child->leaving;

		dismiss(squad);
		/* A generation that uses it again was on its way to the worker. */
		if (live) {
			need(child, version, &want);
		}
	}
}

void hosts_hung(struct child *child, uint32_t version, pid_t pid)
{
	struct host *host = find(child, version, pid);

	if (host == NULL || host->hung) {
		return;
	}
	host->hung = true;
	log_say(LOG_ERROR,
	    "handler '%s' does not come back from %s within its 'timeout_ms': ending "
	    "its process %d",
	    hosts_name(host->master, version),
	    host->page == NULL ? "a callback" : page_callback_name(host->page),
	    (int)host->pid);
	kill(host->pid, SIGABRT);
	timer_set(&host->master->loop->timers, &host->timer,
	    host->master->loop->now_ms + ABORT_MS);
}

void hosts_lost(struct child *child, uint32_t version, pid_t pid)
{
	struct host *host = find(child, version, pid);

	if (host == NULL || host->hung) {
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

void hosts_reap(struct master *master)
{
	for (struct list *link = master->hosts.next; link != &master->hosts;) {
		struct host *host = LIST_OWNER(link, struct host, link);
		int status;

		link = link->next;
		if (host->pid > 0 && waitpid(host->pid, &status, WNOHANG) == host->pid) {
			host_died(host, status);
		}
	}
}

uint32_t hosts_reset(struct master *master, const char *name)
{
	uint32_t count = 0;

	for (struct list *link = master->squads.next; link != &master->squads;
	     link = link->next) {
		struct squad *squad = LIST_OWNER(link, struct squad, link);

		if (strcmp(hosts_name(master, squad->version), name) == 0) {
			count += squad_count(squad);
			squad->in_row = 0;
			squad->breaker_s = 0;
			timer_cancel(&squad->trial);
			squad_tell_broken(squad, 0);
			start_missing(squad);
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
		host_forget(host);
	}
	while (!list_empty(&master->squads)) {
		dismiss(LIST_OWNER(master->squads.next, struct squad, link));
	}
}

void hosts_each(const struct master *master,
    void (*fn)(void *arg, const struct host_facts *facts), void *arg)
{
	for (struct list *link = master->hosts.next; link != &master->hosts;
	     link = link->next) {
		const struct host *host = LIST_OWNER(link, struct host, link);
		const struct squad *squad = host->squad;
		struct host_facts facts = { .worker = host->child->index,
			.version = host->version,
			.pid = host->pid,
			.crashes = host->crashes,
			.answers = host->answers + host_answers(host),
			.broken = squad != NULL && timer_is_set(&squad->trial) };

		if (squad != NULL) {
			fn(arg, &facts);
		}
	}
}
