/* SPDX-License-Identifier: MIT */
/* The remotes of a worker. */
#include "worker/remotes.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/log_pace.h"
#include "base/memory.h"
#include "worker/bus.h"
#include "worker/orders.h"
#include "worker/worker.h"

#define LAST_WORDS_MS 1000	/* for on_stop, on_close and what they log, at the end */

struct entry {
	struct list link;		/* in worker.remotes */
	struct deferred later;		/* looks what is still needed of it */
	struct worker *worker;
	struct pool *pool;
	struct list seats;
	char *name;			/* owned; of the handler */
	uint32_t version;
	uint32_t count_as;		/* its index on the scoreboard */
	size_t waiting;			/* calls that wait, as they are counted there */
	struct log_pace refused;	/* calls that did not fit into its queue */
	bool used;			/* a generation has asked for it */
	bool retired;			/* none does any more: it ends */
};

/* A place for one process. */
struct seat {
	struct list link;		/* in entry.seats */
	struct entry *entry;
	struct remote *remote;
	struct bus_peer peer;
	struct timer last_words;	/* once its process has been asked to end */
	bool leaving;
	bool stopped;			/* it has */
};

static struct entry *find(struct worker *worker, uint32_t version)
{
	for (struct list *link = worker->remotes.next; link != &worker->remotes;
	    link = link->next) {
		struct entry *entry = LIST_OWNER(link, struct entry, link);

		if (entry->version == version && !entry->retired) {
			return entry;
		}
	}
	return NULL;
}

static void free_seat(struct seat *seat)
{
	list_remove(&seat->link);
	timer_cancel(&seat->last_words);
	remote_free(seat->remote);
	free(seat);
}

static void free_entry(struct entry *entry)
{
	list_remove(&entry->link);
	deferred_cancel(&entry->later);
	/* While its remotes end, nobody waits for them any more. */
	pool_free(entry->pool);
	while (!list_empty(&entry->seats)) {
		free_seat(LIST_OWNER(entry->seats.next, struct seat, link));
	}
	free(entry->name);
	free(entry);
}

static void give_up_seat(struct timer *timer)
{
	struct seat *seat = LIST_OWNER(timer, struct seat, last_words);

	loop_defer(seat->entry->worker->loop, &seat->entry->later);
}

/* Has its process ended, or not done so in time? Asks it to, and hears what it logs. */
static bool has_ended(struct seat *seat)
{
	struct loop *loop = seat->entry->worker->loop;

	if (!remote_has_host(seat->remote)) {
		return true;
	}
	if (!seat->stopped) {
		seat->stopped = true;
		remote_stop(seat->remote);
		timer_set(&loop->timers, &seat->last_words, loop->now_ms + LAST_WORDS_MS);
	}
	return !timer_is_set(&seat->last_words);
}

/* Frees the seats that are not needed any more, each with its process. */
static void empty_seats(struct entry *entry)
{
	for (struct list *link = entry->seats.next; link != &entry->seats;) {
		struct seat *seat = LIST_OWNER(link, struct seat, link);

		link = link->next;
		if (seat->leaving && remote_idle(seat->remote) && has_ended(seat)) {
			free_seat(seat);
		}
	}
}

static void leave(struct seat *seat)
{
	seat->leaving = true;
	pool_dismiss(seat->entry->pool, seat->remote);
}

static void retire(struct deferred *later)
{
	struct entry *entry = LIST_OWNER(later, struct entry, later);
	bool idle = entry->used && pool_idle(entry->pool) && !entry->worker->ending;

	if (idle && !entry->retired) {
		entry->retired = true;
		orders_tell(entry->worker, CHANNEL_RETIRED, entry->version, 0, "");
		for (struct list *link = entry->seats.next; link != &entry->seats;
		     link = link->next) {
			leave(LIST_OWNER(link, struct seat, link));
		}
	}
	empty_seats(entry);
	if (entry->retired && list_empty(&entry->seats)) {
		free_entry(entry);
	}
}

static void on_idle(void *arg, struct remote *remote)
{
	const struct seat *seat = arg;

	(void)remote;
	loop_defer(seat->entry->worker->loop, &seat->entry->later);
}

static void on_kill(void *arg, uint32_t pid)
{
	const struct seat *seat = arg;

	orders_tell(seat->entry->worker, CHANNEL_KILL, seat->entry->version, pid, "");
}

static bool has_hosts(const struct worker *worker)
{
	for (const struct list *link = worker->remotes.next; link != &worker->remotes;
	     link = link->next) {
		const struct entry *entry = LIST_OWNER(link, struct entry, link);

		for (const struct list *at = entry->seats.next; at != &entry->seats;
		     at = at->next) {
			if (remote_has_host(LIST_OWNER(at, struct seat, link)->remote)) {
				return true;
			}
		}
	}
	return false;
}

static void on_lost(void *arg, uint32_t pid)
{
	const struct seat *seat = arg;
	struct worker *worker = seat->entry->worker;

	if (worker->ending) {
		if (!has_hosts(worker)) {
			loop_stop(worker->loop);
		}
	} else if (seat->stopped) {
		loop_defer(worker->loop, &seat->entry->later);
	} else {
		orders_tell(worker, CHANNEL_LOST, seat->entry->version, pid, "");
	}
}

static void on_free(void *arg)
{
	const struct seat *seat = arg;

	pool_go_on(seat->entry->pool);
}

static void on_again(void *arg, uint32_t instance, struct exchange *exchange,
    uint32_t timeout_ms)
{
	const struct seat *seat = arg;

	pool_again(seat->entry->pool, instance, exchange, timeout_ms);
}

static void on_waiting(void *arg, size_t count)
{
	struct entry *entry = arg;

	/* Other versions of the handler have their part in the sum. */
	gauge_move(&entry->worker->self->handlers[entry->count_as].waiting,
	    (int)count - (int)entry->waiting);
	entry->waiting = count;
}

/* The first at once, then how many there were meanwhile. */
static void on_full(void *arg)
{
	struct entry *entry = arg;
	uint64_t unsaid;

	counter_add(&entry->worker->self->handlers[entry->count_as].turned_away, 1);
	if (log_pace_due(&entry->refused, entry->worker->loop->now_ms, &unsaid)) {
		log_say(LOG_WARN,
		    "handler '%s': its queue is full (max_queue), %llu requests got 503",
		    entry->name, (unsigned long long)unsaid + 1);
	}
}

static int on_subscribe(void *arg, struct slice name)
{
	struct seat *seat = arg;

	return bus_listen(seat->entry->worker->bus, &seat->peer, name);
}

static void on_unsubscribe(void *arg, struct slice name)
{
	struct seat *seat = arg;

	bus_unlisten(seat->entry->worker->bus, &seat->peer, name);
}

static int on_publish(void *arg, struct slice name, struct slice data)
{
	const struct seat *seat = arg;

	return bus_publish(seat->entry->worker->bus, name, data);
}

static void on_silent(void *arg)
{
	struct seat *seat = arg;

	bus_silence(seat->entry->worker->bus, &seat->peer);
}

static void add_seat(struct entry *entry)
{
	struct seat *seat = memory_new(1, sizeof(*seat));
	struct remote_ops ops = { .kill = on_kill, .lost = on_lost, .log = log_handler,
		.idle = on_idle, .subscribe = on_subscribe,
		.unsubscribe = on_unsubscribe, .publish = on_publish,
		.silent = on_silent, .free = on_free, .again = on_again, .arg = seat,
		.held = &entry->worker->held };

	seat->entry = entry;
	timer_init(&seat->last_words, give_up_seat);
	seat->remote = remote_new(entry->worker->loop, &ops, entry->name);
	bus_peer_init(&seat->peer);
	seat->peer.remote = seat->remote;
	list_append(&entry->seats, &seat->link);
	pool_add(entry->pool, seat->remote);
}

static struct entry *new_entry(struct worker *worker, uint32_t version, const char *name)
{
	struct entry *entry = memory_new(1, sizeof(*entry));
	struct pool_ops ops = { .waiting = on_waiting, .full = on_full, .arg = entry };

	entry->worker = worker;
	entry->version = version;
	entry->name = memory_text(name);
	entry->count_as = scoreboard_handler_find(worker->board, name);
	entry->pool = pool_new(worker->loop, &ops);
	list_init(&entry->seats);
	deferred_init(&entry->later, retire);
	list_append(&worker->remotes, &entry->link);
	add_seat(entry);
	return entry;
}

static void set_pool(struct entry *entry, const struct plugin *plugin,
    const struct config *config)
{
	const struct config_handler *handler =
	    config_find_handler(config, plugin->note.name);

	pool_set(entry->pool, plugin->can & PLUGIN_BLOCKING,
	    handler == NULL ? CONFIG_HANDLER_QUEUE : handler->max_queue);
}

struct pool *remotes_get(struct worker *worker, const struct plugin *plugin,
    const struct config *config)
{
	struct entry *entry = find(worker, plugin->version);

	if (entry == NULL) {
		entry = new_entry(worker, plugin->version, plugin->note.name);
	}
	if (!entry->used) {
		set_pool(entry, plugin, config);
	}
	entry->used = true;
	return entry->pool;
}

/* Whose process would be missed least: of those that stay, or NULL. */
static struct seat *find_spare(const struct entry *entry)
{
	struct seat *spare = NULL;

	for (struct list *link = entry->seats.next; link != &entry->seats;
	     link = link->next) {
		struct seat *seat = LIST_OWNER(link, struct seat, link);

		if (!seat->leaving && (spare == NULL || remote_is_vacant(seat->remote) ||
			!remote_is_vacant(spare->remote))) {
			spare = seat;
		}
	}
	return spare;
}

static uint32_t count_seats(const struct entry *entry)
{
	uint32_t count = 0;

	for (struct list *link = entry->seats.next; link != &entry->seats;
	     link = link->next) {
		count += !LIST_OWNER(link, struct seat, link)->leaving;
	}
	return count;
}

void remotes_resize(struct worker *worker, const struct channel_message *message)
{
	struct entry *entry = find(worker, message->number);
	uint32_t wanted = message->value == 0 ? 1 : message->value;

	if (entry == NULL) {
		entry = new_entry(worker, message->number, message->text);
	}
	for (uint32_t count = count_seats(entry); count < wanted; count++) {
		add_seat(entry);
	}
	for (uint32_t count = count_seats(entry); count > wanted; count--) {
		leave(find_spare(entry));
	}
}

/* A place without a process or, as the news of a death may be late, with one that cannot
 * be spoken to; NULL: there are too many. */
static struct seat *find_seat(const struct entry *entry)
{
	struct seat *found = NULL;

	for (struct list *link = entry->seats.next; link != &entry->seats;
	     link = link->next) {
		struct seat *seat = LIST_OWNER(link, struct seat, link);

		if (!seat->leaving && remote_is_vacant(seat->remote)) {
			return seat;
		}
		if (!seat->leaving && !remote_has_host(seat->remote)) {
			found = seat;
		}
	}
	return found;
}

void remotes_attach(struct worker *worker, struct channel_message *message)
{
	const struct entry *entry = find(worker, message->number);
	const struct seat *seat = entry == NULL ? NULL : find_seat(entry);

	/* Retired here a moment ago, or one too many: it ends as its socket does. */
	if (seat == NULL || message->fds[0] < 0 || message->fds[1] < 0) {
		return;
	}
	remote_attach(seat->remote, message->value, message->fds[0], message->fds[1]);
	message->fds[0] = -1;
	message->fds[1] = -1;
	pool_mend(entry->pool);
}

void remotes_died(struct worker *worker, const struct channel_message *message)
{
	const struct entry *entry = find(worker, message->number);

	for (struct list *link = entry == NULL ? NULL : entry->seats.next;
	     link != NULL && link != &entry->seats; link = link->next) {
		remote_died(LIST_OWNER(link, struct seat, link)->remote, message->value);
	}
}

void remotes_break(struct worker *worker, const struct channel_message *message)
{
	const struct entry *entry = find(worker, message->number);

	if (entry != NULL && message->value > 0) {
		pool_break(entry->pool, message->value);
	} else if (entry != NULL) {
		pool_mend(entry->pool);
	}
}

void remotes_orphan(struct worker *worker)
{
	for (struct list *link = worker->remotes.next; link != &worker->remotes;
	     link = link->next) {
		pool_orphan(LIST_OWNER(link, struct entry, link)->pool);
	}
}

static const struct plugin *find_version(const struct plugin_set *plugins,
    uint32_t version)
{
	for (size_t i = 0; i < plugins->count; i++) {
		if (plugins->items[i].version == version) {
			return &plugins->items[i];
		}
	}
	return NULL;
}

/* What is left without a user was for a generation that this worker has not taken. */
void remotes_serve(struct worker *worker, const struct plugin_set *plugins,
    const struct config *config)
{
	for (struct list *link = worker->remotes.next; link != &worker->remotes;) {
		struct entry *entry = LIST_OWNER(link, struct entry, link);
		const struct plugin *plugin = find_version(plugins, entry->version);

		link = link->next;
		if (plugin != NULL) {
			set_pool(entry, plugin, config);
		} else if (!entry->used) {
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

		pool_stop(entry->pool);
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
