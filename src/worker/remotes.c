/* SPDX-License-Identifier: MIT */
/* The remotes of a worker. */
#include "worker/remotes.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "worker/bus.h"
#include "worker/orders.h"
#include "worker/worker.h"

#define LAST_WORDS_MS 1000	/* for on_close and what it logs, at the end */

struct entry {
	struct list link;		/* in worker.remotes */
	struct deferred later;		/* looks whether it is still needed */
	struct worker *worker;
	struct remote *remote;		/* NULL: its host came before its first user */
	uint32_t version;
	struct channel_message host;	/* that came first; fds -1 if none */
	struct bus_peer peer;
};

static struct entry *find(struct worker *worker, uint32_t version)
{
	for (struct list *link = worker->remotes.next; link != &worker->remotes;
	    link = link->next) {
		struct entry *entry = LIST_OWNER(link, struct entry, link);

		if (entry->version == version) {
			return entry;
		}
	}
	return NULL;
}

static void free_entry(struct entry *entry)
{
	list_remove(&entry->link);
	deferred_cancel(&entry->later);
	channel_close_fds(&entry->host);
	remote_free(entry->remote);
	free(entry);
}

static void retire(struct deferred *later)
{
	struct entry *entry = LIST_OWNER(later, struct entry, later);

	if (entry->remote != NULL && remote_idle(entry->remote) &&
	    !entry->worker->ending) {
		orders_tell(entry->worker, CHANNEL_RETIRED, entry->version, 0, "");
		free_entry(entry);
	}
}

static void on_idle(void *arg, struct remote *remote)
{
	struct entry *entry = arg;

	(void)remote;
	loop_defer(entry->worker->loop, &entry->later);
}

static void on_kill(void *arg, uint32_t pid)
{
	struct entry *entry = arg;

	orders_tell(entry->worker, CHANNEL_KILL, entry->version, pid, "");
}

static bool has_hosts(const struct worker *worker)
{
	for (const struct list *link = worker->remotes.next; link != &worker->remotes;
	     link = link->next) {
		const struct entry *entry = LIST_OWNER(link, struct entry, link);

		if (entry->remote != NULL && remote_has_host(entry->remote)) {
			return true;
		}
	}
	return false;
}

static void on_lost(void *arg, uint32_t pid)
{
	struct entry *entry = arg;

	if (entry->worker->ending) {
		if (!has_hosts(entry->worker)) {
			loop_stop(entry->worker->loop);
		}
		return;
	}
	orders_tell(entry->worker, CHANNEL_LOST, entry->version, pid, "");
}

static int on_subscribe(void *arg, struct slice name)
{
	struct entry *entry = arg;

	return bus_listen(entry->worker->bus, &entry->peer, name);
}

static void on_unsubscribe(void *arg, struct slice name)
{
	struct entry *entry = arg;

	bus_unlisten(entry->worker->bus, &entry->peer, name);
}

static int on_publish(void *arg, struct slice name, struct slice data)
{
	const struct entry *entry = arg;

	return bus_publish(entry->worker->bus, name, data);
}

static void on_silent(void *arg)
{
	struct entry *entry = arg;

	bus_silence(entry->worker->bus, &entry->peer);
}

static struct entry *new_entry(struct worker *worker, uint32_t version)
{
	struct entry *entry = memory_new(1, sizeof(*entry));

	entry->worker = worker;
	entry->version = version;
	for (size_t i = 0; i < CHANNEL_FDS; i++) {
		entry->host.fds[i] = -1;
	}
	bus_peer_init(&entry->peer);
	deferred_init(&entry->later, retire);
	list_append(&worker->remotes, &entry->link);
	return entry;
}

static void attach(struct entry *entry, struct channel_message *host)
{
	if (host->fds[0] >= 0 && host->fds[1] >= 0) {
		remote_attach(entry->remote, host->value, host->fds[0], host->fds[1]);
		host->fds[0] = -1;
		host->fds[1] = -1;
	}
}

struct remote *remotes_get(struct worker *worker, uint32_t version, const char *name)
{
	struct entry *entry = find(worker, version);

	if (entry == NULL) {
		entry = new_entry(worker, version);
	}
	if (entry->remote == NULL) {
		struct remote_ops ops = { .kill = on_kill, .lost = on_lost,
			.log = log_handler, .idle = on_idle,
			.subscribe = on_subscribe, .unsubscribe = on_unsubscribe,
			.publish = on_publish, .silent = on_silent, .arg = entry };

		entry->remote = remote_new(worker->loop, &ops, version, name);
		entry->peer.remote = entry->remote;
		attach(entry, &entry->host);
	}
	return entry->remote;
}

void remotes_attach(struct worker *worker, struct channel_message *message)
{
	struct entry *entry = find(worker, message->number);

	if (entry == NULL) {
		entry = new_entry(worker, message->number);
	}
	if (entry->remote != NULL) {
		attach(entry, message);
		return;
	}
	channel_close_fds(&entry->host);
	entry->host = *message;
	for (size_t i = 0; i < CHANNEL_FDS; i++) {
		message->fds[i] = -1;
	}
}

void remotes_died(struct worker *worker, const struct channel_message *message)
{
	struct entry *entry = find(worker, message->number);

	if (entry != NULL && entry->remote != NULL) {
		remote_died(entry->remote, message->value);
	} else if (entry != NULL && entry->host.value == message->value) {
		channel_close_fds(&entry->host);
	}
}

void remotes_break(struct worker *worker, const struct channel_message *message)
{
	struct entry *entry = find(worker, message->number);

	if (entry != NULL && entry->remote != NULL) {
		remote_break(entry->remote, message->value);
	}
}

static bool is_among(const struct plugin_set *plugins, uint32_t version)
{
	for (size_t i = 0; i < plugins->count; i++) {
		if (plugins->items[i].version == version) {
			return true;
		}
	}
	return false;
}

/* What is left without a user is the next process of a host that died when its version
 * had been retired here, before the master knew. */
void remotes_sweep(struct worker *worker, const struct plugin_set *plugins)
{
	for (struct list *link = worker->remotes.next; link != &worker->remotes;) {
		struct entry *entry = LIST_OWNER(link, struct entry, link);

		link = link->next;
		if (entry->remote == NULL && !is_among(plugins, entry->version)) {
			orders_tell(worker, CHANNEL_RETIRED, entry->version, 0, "");
			free_entry(entry);
		}
	}
}

static void give_up(struct timer *timer)
{
	loop_stop(LIST_OWNER(timer, struct worker, drain_timer)->loop);
}

void remotes_finish(struct worker *worker)
{
	for (struct list *link = worker->remotes.next; link != &worker->remotes;
	     link = link->next) {
		struct entry *entry = LIST_OWNER(link, struct entry, link);

		if (entry->remote != NULL) {
			remote_stop(entry->remote);
		}
	}
	if (has_hosts(worker)) {
		timer_init(&worker->drain_timer, give_up);
		timer_set(&worker->loop->timers, &worker->drain_timer,
		    worker->loop->now_ms + LAST_WORDS_MS);
		loop_run(worker->loop);
		timer_cancel(&worker->drain_timer);
	}
}

void remotes_release(struct worker *worker)
{
	while (!list_empty(&worker->remotes)) {
		free_entry(LIST_OWNER(worker->remotes.next, struct entry, link));
	}
}
