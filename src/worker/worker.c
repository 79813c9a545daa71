/* SPDX-License-Identifier: MIT */
/* A worker's life: set up, serve, drain, end. */
#include "worker/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/memory.h"
#include "ipc/metrics.h"
#include "plugin/api.h"
#include "worker/access.h"
#include "worker/bus.h"
#include "worker/chain.h"
#include "worker/connection.h"
#include "worker/crash.h"
#include "worker/exchanges.h"
#include "worker/generation.h"
#include "worker/line.h"
#include "worker/listener.h"
#include "worker/orders.h"
#include "worker/remotes.h"
#include "worker/sandbox.h"
#include "worker/shares.h"

/* Replies of one turn; connection_room keeps them below the gather, a header may pass
 * it. */
#define OUT_MAX (2 * TLS_GATHER_MAX + (1 << 20))
#define LAST_MS 200	/* that threads have at the end of the process */

struct slice worker_date(struct worker *worker)
{
	time_t now = time(NULL);

	if (now != worker->date_s) {
		worker->date_s = now;
		http_date(now, worker->date);
	}
	return (struct slice){ worker->date, HTTP_DATE_BYTES - 1 };
}

void worker_check_drained(struct worker *worker)
{
	if (worker->draining && worker->connection_count == 0 && worker->busy == 0 &&
	    list_empty(&worker->parted)) {
		loop_stop(worker->loop);
	}
}

static void stop_draining(struct timer *timer)
{
	struct worker *worker = LIST_OWNER(timer, struct worker, drain_timer);

	log_say(LOG_WARN, "drain_ms has passed: closing %u connections%s",
	    worker->connection_count, list_empty(&worker->parted) ? "" :
	    "; handlers still hold requests of clients that have left");
	loop_stop(worker->loop);
}

static void drain_all(struct list *connections)
{
	for (struct list *link = connections->next; link != connections;) {
		struct connection *connection = LIST_OWNER(link, struct connection, link);

		link = link->next;
		connection_drain(connection);
	}
}

void worker_drain(struct worker *worker)
{
	if (worker->draining) {
		return;
	}
	if (worker->config == NULL) {
		loop_stop(worker->loop);
		return;
	}
	listeners_take_queues(worker);
	listeners_close(worker);
	worker->draining = true;
	atomic_store(&worker->self->state, SCOREBOARD_DRAINING);
	site_mounts_stop(&worker->mounts);
	drain_all(&worker->connections);
	drain_all(&worker->handshakes);
	timer_set(&worker->loop->timers, &worker->drain_timer,
	    worker->loop->now_ms + worker->config->timeouts.drain_ms);
	worker_check_drained(worker);
}

static void on_signal(struct watch *watch, uint32_t events)
{
	struct worker *worker = LIST_OWNER(watch, struct worker, signals);
	struct signalfd_siginfo info;

	(void)events;
	while (read(watch->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		worker_drain(worker);
	}
}

/* The master has blocked its own set; SIGINT from a terminal reaches us, too, and is
 * its. */
static int watch_signals(struct worker *worker)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	worker->signals.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	worker->signals.fn = on_signal;
	return worker->signals.fd < 0 ? ERR_SYSTEM
				      : loop_add(worker->loop, &worker->signals, EPOLLIN);
}

void worker_apply_limits(struct worker *worker)
{
	const struct config_limits *limits = &worker->config->limits;
	uint32_t share = limits->max_connections / worker->board->workers;

	worker->max_connections = share == 0 ? 1 : share;
	worker->http_limits.max_target_bytes = limits->max_target_bytes;
	worker->http_limits.max_header_bytes = limits->max_header_bytes;
	worker->http_limits.max_header_fields = limits->max_header_fields;
}

/* Whom the master is to blame should this process die now. */
static void on_running(void *arg, const struct api_call *call)
{
	struct worker *worker = arg;
	const struct request *request =
	    call->exchange == NULL ? NULL : &call->exchange->request;

	if (call->callback == PAGE_NONE) {
		blame_clear(worker->blame);
		return;
	}
	blame_set(worker->blame, call->handler, callback_name(call->callback),
	    call->request, request == NULL ? NULL : request->method.data,
	    request == NULL ? NULL : request->target.data);
}

static void on_hold(void *arg, void *owner, int change)
{
	struct worker *worker = arg;

	worker->busy += (uint32_t)change;
	site_mount_hold(owner, change);
	worker_check_drained(worker);
}

static void on_waiting(void *arg, const struct plugin *plugin, int change)
{
	struct worker *worker = arg;

	gauge_move(&worker->self->handlers[plugin->count_as].waiting, change);
}

static void on_turned_away(void *arg, const struct plugin *plugin)
{
	struct worker *worker = arg;

	counter_add(&worker->self->handlers[plugin->count_as].turned_away, 1);
}

static void on_expired(void *arg, struct site_mount *mount)
{
	lines_retire(arg, mount);
}

static void init(struct worker *worker, const struct worker_setup *setup)
{
	memset(worker, 0, sizeof(*worker));
	worker->board = setup->board;
	worker->self = &setup->board->worker[setup->index];
	worker->addresses = setup->addresses;
	worker->index = setup->index;
	worker->blame = &setup->blames->running;
	crash_watch(setup->blames);
	worker->tickets = setup->tickets;
	worker->loop = loop_new();
	worker->services = (struct plugin_services){ .log = log_handler,
		.ext = metrics_ext, .running = on_running, .shared = shares_find,
		.arg = worker, .loop = worker->loop, .hold = on_hold,
		.threads = true, .waiting = on_waiting, .turned_away = on_turned_away };
	worker->key_log_fd = -1;
	worker->plain = memory_new(1, WORKER_PLAIN_BYTES);
	worker->scratch = memory_new(1, WORKER_PIECE_BYTES);
	buffer_init(&worker->out, OUT_MAX);
	buffer_init(&worker->access_line, SINK_MAX_BYTES);
	list_init(&worker->listeners);
	list_init(&worker->remotes);
	list_init(&worker->shares);
	list_init(&worker->connections);
	list_init(&worker->handshakes);
	list_init(&worker->lines);
	site_mounts_init(&worker->mounts, &worker->services);
	worker->mounts.expired = on_expired;
	worker->mounts.arg = worker;
	exchanges_init(worker);
	chains_init(worker);
	timer_init(&worker->drain_timer, stop_draining);
	access_init(worker);
	tls_wire_init(&worker->wire);
	worker->bus = bus_new(worker, setup);
	metrics_show(setup->board);
	worker->ids = hash_seed();
	worker->ids_key = hash_seed();
}

static int start(struct worker *worker, const struct worker_setup *setup)
{
	char name[32];

	snprintf(name, sizeof(name), "worker %u", setup->index);
	log_name(name);
	init(worker, setup);
	if (ws_shared_init(&worker->websockets, &worker->held) != 0) {
		log_say(LOG_ERROR, "cannot start: out of memory");
		return ERR_NOMEM;
	}
	if (signer_new(&worker->signer, worker->loop) != 0) {
		log_say(LOG_ERROR, "cannot start: OpenSSL does not take our provider");
		return ERR_SYSTEM;
	}
	if (watch_signals(worker) != 0 || orders_open(worker, setup->channel_fd) != 0) {
		log_say(LOG_ERROR, "cannot start: %s", strerror(errno));
		return ERR_SYSTEM;
	}
	worker_sandbox(setup->handlers);
	return 0;
}

static void close_all(struct list *connections)
{
	while (!list_empty(connections)) {
		connection_close(LIST_OWNER(connections->next, struct connection, link));
	}
}

static void stop(struct worker *worker)
{
	close_all(&worker->connections);
	close_all(&worker->handshakes);
	listeners_close(worker);
	exchanges_disown(worker);
	timer_cancel(&worker->drain_timer);
	worker->ending = true;
	if (worker->busy > 0) {
		site_mounts_leave_threads(&worker->mounts, LAST_MS);
		loop_run_posted(worker->loop);
	}
	generation_unref(worker->generation);
	loop_run_deferred(worker->loop);
	remotes_finish(worker);
	remotes_release(worker);
	loop_run_deferred(worker->loop);
	if (worker->busy > 0) {
		/* Threads still use what would be freed. */
		return;
	}
	shares_release(worker);
	bus_free(worker->bus);
	ws_shared_release(&worker->websockets);
	exchanges_release(worker);
	tls_wire_release(&worker->wire);
	signer_free(worker->signer);
	buffer_release(&worker->out);
	buffer_release(&worker->access_line);
	sink_close(&worker->access);
	if (worker->key_log_fd >= 0) {
		close(worker->key_log_fd);
	}
	free(worker->plain);
	free(worker->scratch);
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
