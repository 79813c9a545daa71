/* SPDX-License-Identifier: MIT */
/* A worker's life: set up, serve, drain, end. */
#include "worker/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "worker/access.h"
#include "worker/connection.h"
#include "worker/listener.h"
#include "worker/metrics.h"

/* Replies of one turn; connection_room keeps them below the gather, a header may pass
 * it. */
#define OUT_MAX (2 * TLS_GATHER_MAX + (1 << 20))

static const struct plugin_services services = { .log = log_handler, .ext = metrics_ext };

struct slice worker_date(struct worker *worker)
{
	time_t now = time(NULL);

	if (now != worker->date_s) {
		worker->date_s = now;
		http_date(now, worker->date);
	}
	return (struct slice){ worker->date, HTTP_DATE_BYTES - 1 };
}

struct exchange *worker_take_exchange(struct worker *worker)
{
	if (worker->spare_count > 0) {
		return worker->spares[--worker->spare_count];
	}
	return calloc(1, sizeof(struct exchange));
}

void worker_give_exchange(struct worker *worker, struct exchange *exchange)
{
	if (worker->spare_count < WORKER_SPARES) {
		exchange_reset(exchange);
		worker->spares[worker->spare_count++] = exchange;
	} else {
		exchange_release(exchange);
		free(exchange);
	}
}

void worker_connection_gone(struct worker *worker)
{
	if (worker->draining && worker->connection_count == 0) {
		loop_stop(worker->loop);
	}
}

static void stop_draining(struct timer *timer)
{
	struct worker *worker = LIST_OWNER(timer, struct worker, drain_timer);

	log_say(LOG_WARN, "drain_ms has passed: closing %u connections",
	    worker->connection_count);
	loop_stop(worker->loop);
}

static void drain(struct worker *worker)
{
	if (worker->draining) {
		return;
	}
	listeners_close(worker);
	worker->draining = true;
	atomic_store(&worker->self->state, SCOREBOARD_DRAINING);
	for (struct list *link = worker->connections.next;
	     link != &worker->connections;) {
		struct connection *connection = LIST_OWNER(link, struct connection, link);

		link = link->next;
		connection_drain(connection);
	}
	timer_set(&worker->loop->timers, &worker->drain_timer,
	    worker->loop->now_ms + worker->config->timeouts.drain_ms);
	worker_connection_gone(worker);
}

static void reopen_logs(struct worker *worker)
{
	if (sink_reopen(&worker->access) != 0) {
		log_say(LOG_ERROR, "cannot reopen '%s': %s", worker->config->log.access,
		    strerror(errno));
	}
	if (log_reopen() != 0) {
		log_say(LOG_ERROR, "cannot reopen '%s': %s", worker->config->log.error,
		    strerror(errno));
	}
}

static void on_signal(struct watch *watch, uint32_t events)
{
	struct worker *worker = LIST_OWNER(watch, struct worker, signals);
	struct signalfd_siginfo info;

	(void)events;
	while (read(watch->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGTERM) {
			drain(worker);
		} else {
			reopen_logs(worker);
		}
	}
}

/* The master has blocked its own set; SIGINT from a terminal reaches us, too, and is
 * its. */
static int watch_signals(struct worker *worker)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	worker->signals.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	worker->signals.fn = on_signal;
	return worker->signals.fd < 0 ? ERR_SYSTEM
				      : loop_add(worker->loop, &worker->signals, EPOLLIN);
}

static void blame_plugin(void *arg, const struct plugin *plugin, const char *callback)
{
	struct worker *worker = arg;

	blame_set(&worker->self->blame, plugin->note.name, callback, NULL, NULL, NULL);
}

static void set_counters(struct worker *worker)
{
	for (size_t i = 0; i < worker->site.route_count; i++) {
		struct site_route *route = &worker->site.routes[i];

		route->count_as = route->plugin == NULL ? SCOREBOARD_SERVER
		    : scoreboard_handler_find(worker->board, route->plugin->note.name);
	}
}

static int open_site(struct worker *worker, const struct worker_setup *setup)
{
	struct problems problems;
	struct site_observer observer = { .before = blame_plugin, .arg = worker };
	int rc;

	problems_init(&problems);
	metrics_show(setup->board);
	site_open(&worker->site, setup->config, setup->plugins, &services, &observer,
	    &problems);
	blame_clear(&worker->self->blame);
	set_counters(worker);
	rc = tls_context_init(&worker->tls, setup->config, setup->tickets, &problems);
	for (size_t i = 0; i < problems.count; i++) {
		if (problems.items[i].level == PROBLEM_ERROR) {
			log_say(LOG_ERROR, "%s: %s", problems.items[i].where,
			    problems.items[i].what);
		}
	}
	rc = problems.errors > 0 ? ERR_INVALID : rc;
	problems_release(&problems);
	return rc;
}

static void init(struct worker *worker, const struct worker_setup *setup)
{
	const struct config *config = setup->config;

	memset(worker, 0, sizeof(*worker));
	worker->config = setup->config;
	worker->board = setup->board;
	worker->self = &setup->board->worker[setup->index];
	worker->loop = loop_new();
	worker->max_connections = config->limits.max_connections / setup->board->workers;
	if (worker->max_connections == 0) {
		worker->max_connections = 1;
	}
	worker->h1_limits.max_target_bytes = config->limits.max_target_bytes;
	worker->h1_limits.max_header_bytes = config->limits.max_header_bytes;
	worker->h1_limits.max_header_fields = config->limits.max_header_fields;
	worker->plain = memory_new(1, WORKER_PLAIN_BYTES);
	worker->scratch = memory_new(1, TLS_GATHER_MAX);
	buffer_init(&worker->out, OUT_MAX);
	buffer_init(&worker->access_line, SINK_MAX_BYTES);
	list_init(&worker->connections);
	timer_init(&worker->drain_timer, stop_draining);
	tls_wire_init(&worker->wire);
	if (getrandom(&worker->next_id, sizeof(worker->next_id), 0) < 0) {
		worker->next_id = (uint64_t)clock_us();
	}
}

static int start(struct worker *worker, const struct worker_setup *setup)
{
	char name[32];

	snprintf(name, sizeof(name), "worker %u", setup->index);
	log_name(name);
	init(worker, setup);
	if (access_open(worker) != 0) {
		log_say(LOG_ERROR, "cannot open '%s': %s", setup->config->log.access,
		    strerror(errno));
		return ERR_SYSTEM;
	}
	if (open_site(worker, setup) != 0) {
		return ERR_INVALID;
	}
	if (watch_signals(worker) != 0 ||
	    listeners_open(worker, setup->listen_fds) != 0) {
		log_say(LOG_ERROR, "cannot start: %s", strerror(errno));
		return ERR_SYSTEM;
	}
	atomic_store(&worker->self->state, SCOREBOARD_READY);
	return 0;
}

static void stop(struct worker *worker)
{
	while (!list_empty(&worker->connections)) {
		struct list *first = worker->connections.next;

		connection_close(LIST_OWNER(first, struct connection, link));
	}
	loop_run_deferred(worker->loop);
	for (size_t i = 0; i < worker->spare_count; i++) {
		exchange_release(worker->spares[i]);
		free(worker->spares[i]);
	}
	site_release(&worker->site);
	tls_context_release(&worker->tls);
	tls_wire_release(&worker->wire);
	buffer_release(&worker->out);
	buffer_release(&worker->access_line);
	sink_close(&worker->access);
	free(worker->plain);
	free(worker->scratch);
	free(worker->listeners);
	loop_free(worker->loop);
}

int worker_run(const struct worker_setup *setup)
{
	struct worker worker;

	if (start(&worker, setup) != 0) {
		return EXIT_FAILURE;
	}
	loop_run(worker.loop);
	stop(&worker);
	return EXIT_SUCCESS;
}
