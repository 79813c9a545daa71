/* SPDX-License-Identifier: MIT */
/*
 * The life of a host: load, say hello, serve, end. What arrives together is answered
 * together, with one send: that is what makes isolation cheap.
 */
#include "host/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <unistd.h>

#include "base/memory.h"
#include "host/blocked.h"
#include "host/bus.h"
#include "host/checks.h"
#include "host/guard.h"
#include "host/job.h"
#include "host/screen.h"
#include "ipc/metrics.h"
#include "ipc/pack.h"
#include "os/crew.h"
#include "plugin/api.h"

#define READ_BYTES (64 * 1024)		/* received at a time */
#define PATIENCE_US 50		/* of a handler's run, until those before it are sent */
#define LAST_MS 200		/* that threads have at the end of the process */
#define LOG_TEXT_BYTES (16 * 1024)	/* of one line; the rest is cut off */

/* The plugin's log function has no argument for it: one host a process. */
static struct host *the_host;

/* May run in any thread; only a call's own can be one that has a request. */
static void take_log(int level, const char *handler, const char *request,
    const char *text, size_t size)
{
	struct host *host = the_host;
	struct slice line = { text, size < LOG_TEXT_BYTES ? size : LOG_TEXT_BYTES };
	struct buffer frame;
	int rc;

	if (guard_is_child()) {
		return;
	}
	buffer_init(&frame, FRAME_MAX);
	rc = frame_append(&frame, FRAME_LOG, 0, (uint16_t)level,
	    request == NULL ? 0 : host->about, line);
	rc = rc != 0 ? rc : outbox_put(&host->outbox, buffer_slice(&frame));
	/* Outside a callback of the loop no batch may be on its way out. */
	if (rc == 0 && (handler == NULL || api_thread() != NULL)) {
		rc = outbox_flush(&host->outbox);
	}
	/* What failed is lost: that the peer has gone shows where the loop reads. */
	buffer_release(&frame);
}

/* The peer's id of what the callback is about; 0: nothing of the peer's. */
static uint64_t id_of(const struct api_call *call)
{
	if (call->duplex != NULL) {
		return talk_of(call->duplex)->id;
	}
	return call->exchange == NULL ? 0 : job_of(call->exchange)->id;
}

/*
 * A handler's run counts as running until its answer is safe (see job.c), whatever else
 * of the plugin runs meanwhile. A child that the plugin has forked in a callback ends
 * with it: its parent has the same batch before it, and a peer to answer.
 */
static void on_running(void *arg, const struct api_call *call)
{
	struct host *host = arg;

	if (call->callback == PAGE_NONE && guard_is_child()) {
		_exit(EXIT_SUCCESS);
	}
	host->about = call->callback == PAGE_NONE ? 0 : id_of(call);
	if (host->answering) {
		return;
	}
	if (call->callback == PAGE_NONE) {
		host_leave(host);
		loop_defer(host->loop, &host->round_end);
		return;
	}
	host->now_us = clock_us();
	host_enter(host, call->callback, host->about,
	    call->request == NULL ? "" : call->request);
}

/* What comes back may be the last that a stop has waited for. */
static void on_hold(void *arg, void *owner, int change)
{
	struct host *host = arg;
	struct mount *mount = owner;

	if (change > 0) {
		host->busy++;
		mount->users++;
	} else {
		host->busy--;
		mount_give(mount);
		loop_defer(host->loop, &host->round_end);
	}
}

int host_send(struct host *host, int rc)
{
	return rc != 0 ? rc : outbox_put(&host->outbox, buffer_slice(&host->frame));
}

static int pack_string(struct buffer *out, const char *text)
{
	return pack_text(out, text == NULL ? SLICE("") : slice_of(text));
}

int host_send_problem(struct host *host, uint32_t instance, const struct problem *problem)
{
	struct buffer *out = &host->frame;
	size_t mark;
	int rc;

	buffer_reset(out);
	rc = frame_begin(out, FRAME_PROBLEM, (uint16_t)problem->level, instance, &mark);
	rc = rc != 0 ? rc : pack_string(out, problem->where);
	rc = rc != 0 ? rc : pack_string(out, problem->what);
	rc = rc != 0 ? rc : pack_string(out, problem->hint);
	rc = rc != 0 ? rc : frame_end(out, mark, 0);
	return host_send(host, rc);
}

void host_enter(struct host *host, enum page_callback callback, uint64_t call,
    const char *request)
{
	struct page *page = host->page;
	size_t size = strnlen(request, sizeof(page->request) - 1);

	memcpy(page->request, request, size);
	page->request[size] = '\0';
	atomic_store_explicit(&page->callback, callback, memory_order_relaxed);
	atomic_store_explicit(&page->running_since_ms, (uint64_t)host->now_us / 1000,
	    memory_order_relaxed);
	atomic_store_explicit(&page->running, call, memory_order_release);
	host->running = call;
}

int host_rest(struct host *host, int64_t began_us)
{
	host->now_us = clock_us();
	return host->now_us - began_us > PATIENCE_US ? outbox_flush(&host->outbox) : 0;
}

void host_leave(struct host *host)
{
	host->running = 0;
	atomic_store_explicit(&host->page->running, 0, memory_order_release);
	atomic_store_explicit(&host->page->callback, PAGE_NONE, memory_order_relaxed);
}

/* The note of a file that this process is about to map and run anyway. */
static int read_note(struct plugin *plugin)
{
	char why[NOTE_WHY_BYTES] = "";
	struct stat status;
	void *image = MAP_FAILED;
	int fd = open(plugin->copy, O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && fstat(fd, &status) == 0) {
		image = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	}
	if (fd >= 0) {
		close(fd);
	}
	if (image == MAP_FAILED) {
		plugin_refuse(plugin, "cannot read '%s': %s", plugin->copy,
		    strerror(errno));
		return ERR_INVALID;
	}
	if (note_read(image, (size_t)status.st_size, &plugin->note, why) != 0) {
		plugin_refuse(plugin, "%s", why);
	} else if (strcmp(plugin->note.name, plugin->file) != 0) {
		plugin_refuse(plugin, "it is '%s' and not '%s'", plugin->note.name,
		    plugin->file);
	}
	munmap(image, (size_t)status.st_size);
	return plugin->refusal == NULL ? 0 : ERR_INVALID;
}

static int load(struct host *host)
{
	struct plugin *plugin = &host->plugin;
	struct problem problem = { .level = PROBLEM_ERROR, .where = plugin->file };
	int rc;

	rc = read_note(plugin);
	if (rc == 0) {
		rc = plugin_load(plugin, &host->services);
	}
	if (rc == 0) {
		guard_plugin(plugin->handler->api);
		blocked_init(host);
		return 0;
	}
	problem.what = plugin->refusal;
	rc = host_send_problem(host, 0, &problem);
	return rc != 0 ? rc : outbox_flush(&host->outbox);
}

static int say_hello(struct host *host)
{
	const struct plugin *plugin = &host->plugin;
	struct buffer *out = &host->frame;
	size_t mark;
	int rc;

	buffer_reset(out);
	rc = frame_begin(out, FRAME_HELLO, FRAME_PROTOCOL, 0, &mark);
	rc = rc != 0 ? rc : pack_string(out, plugin->note.name);
	rc = rc != 0 ? rc : pack_string(out, plugin->hash);
	rc = rc != 0 ? rc : pack_string(out, plugin->handler->version);
	rc = rc != 0 ? rc : pack_string(out, plugin->handler->about);
	rc = rc != 0 ? rc : pack_string(out, plugin->handler->route);
	rc = rc != 0 ? rc : pack_u32(out, plugin->can);
	rc = rc != 0 ? rc : frame_end(out, mark, 0);
	rc = host_send(host, rc);
	return rc != 0 ? rc : outbox_flush(&host->outbox);
}

static int take_frame(struct host *host, const struct frame *frame)
{
	switch (frame->header.type) {
	case FRAME_OPEN:
		return mount_open(host, frame);
	case FRAME_RETIRE:
		return mount_retire(host, frame);
	case FRAME_SHUT:
		return mount_shut(host, frame);
	case FRAME_REQUEST:
	case FRAME_FILTER:
		return job_request(host, frame);
	case FRAME_BODY:
		return job_body(host, frame);
	case FRAME_START:
		return screen_take_start(host, frame);
	case FRAME_DATA:
		return screen_take_data(host, frame);
	case FRAME_END:
		return screen_take_end(host, frame);
	case FRAME_TRAILER:
		return job_trailer(host, frame);
	case FRAME_CANCEL:
		return job_cancel(host, frame);
	case FRAME_WINDOW_MORE:
		return frame_is_duplex(frame->header.id) ? talk_window(host, frame)
							 : job_window(host, frame);
	case FRAME_CONNECT:
		return talk_connect(host, frame);
	case FRAME_MESSAGE:
		return talk_message(host, frame);
	case FRAME_DISCONNECT:
		return talk_disconnect(host, frame);
	case FRAME_CHECK:
		return host->setup->probe ? checks_run(host) : ERR_PROTOCOL;
	case FRAME_STOP:
		host->stopping = true;
		return 0;
	case FRAME_EVENT:
		return host_bus_event(host, frame);
	default:
		return ERR_PROTOCOL;
	}
}

int host_receive(struct host *host)
{
	ssize_t got;
	char *space;
	int rc = buffer_reserve(&host->in, READ_BYTES, &space);

	if (rc != 0) {
		return rc;
	}
	got = recv(host->peer.fd, space, READ_BYTES, MSG_DONTWAIT);
	if (got > 0) {
		buffer_commit(&host->in, (size_t)got);
		return 0;
	}
	if (got == 0 || errno == ECONNRESET) {
		return ERR_CLOSED;
	}
	return errno == EAGAIN || errno == EINTR ? ERR_AGAIN : ERR_SYSTEM;
}

/* By its place, as a handler that blocks may bring in more behind it. */
static int next_frame(struct host *host, struct frame *frame)
{
	struct slice bytes = buffer_slice(&host->in);
	int rc;

	slice_skip(&bytes, host->taken);
	rc = frame_next(&bytes, frame);
	if (rc == 0) {
		host->taken = host->in.size - bytes.size;
	}
	return rc;
}

static int take_frames(struct host *host)
{
	struct frame frame;
	int rc;

	while ((rc = next_frame(host, &frame)) == 0) {
		rc = take_frame(host, &frame);
		if (rc != 0) {
			return rc;
		}
	}
	buffer_consume(&host->in, host->taken);
	host->taken = 0;
	return rc == ERR_AGAIN ? 0 : rc;
}

static int take_batch(struct host *host)
{
	int rc = host_receive(host);

	if (rc == 0) {
		rc = take_frames(host);
	}
	return rc != 0 ? rc : outbox_flush(&host->outbox);
}

void host_settle(struct host *host, int rc)
{
	if (rc < 0) {
		host->result = rc;
		loop_stop(host->loop);
	} else if (host->stopping && list_empty(&host->jobs) &&
	    host->talks.count == 0 && host->busy == 0) {
		loop_stop(host->loop);
	}
}

static void on_round_end(struct deferred *deferred)
{
	struct host *host = LIST_OWNER(deferred, struct host, round_end);
	int rc = job_send_moved(host);

	host_settle(host, rc != 0 ? rc : outbox_flush(&host->outbox));
}

static void on_peer(struct watch *watch, uint32_t events)
{
	struct host *host = LIST_OWNER(watch, struct host, peer);

	(void)events;
	atomic_fetch_add_explicit(&host->page->tick, 1, memory_order_relaxed);
	host->now_us = host->loop->now_us;
	host_settle(host, take_batch(host));
}

static int serve(struct host *host)
{
	int rc = say_hello(host);

	if (rc == 0) {
		rc = loop_add(host->loop, &host->peer, EPOLLIN);
	}
	if (rc == 0) {
		loop_run(host->loop);
		rc = host->result;
	}
	return rc;
}

static void open_board(const struct host *host)
{
	if (host->setup->board_fd >= 0) {
		metrics_show(scoreboard_map(host->setup->board_fd));
		close(host->setup->board_fd);
	}
}

/* What the plugin executes has no use for it. A probe has a memory of its own. */
static void open_memory(struct host *host)
{
	int fd = host->setup->memory_fd;

	if (fd >= 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
		fd = -1;
	}
	shared_init(&host->shared, fd);
}

static struct shared *own_memory(void *arg, const char *handler)
{
	struct host *host = arg;

	(void)handler;
	return &host->shared;
}

static int open_page(struct host *host)
{
	int rc = page_map_host(host->setup->page_fd, &host->page);

	open_board(host);
	open_memory(host);
	/* What a plugin executes has no use for it, nor for the socket. */
	close(host->setup->page_fd);
	fcntl(host->setup->socket_fd, F_SETFD, FD_CLOEXEC);
	return rc;
}

static void init(struct host *host, const struct host_setup *setup)
{
	the_host = host;
	host->loop = loop_new();
	host->peer = (struct watch){ .fd = setup->socket_fd, .fn = on_peer };
	host->now_us = clock_us();
	deferred_init(&host->round_end, on_round_end);
	host->services = (struct plugin_services){ .log = take_log, .ext = metrics_ext,
		.running = on_running, .shared = own_memory, .arg = host,
		.loop = host->loop, .hold = on_hold };
	outbox_init(&host->outbox, setup->socket_fd, host->page);
	buffer_init(&host->in, FRAME_MAX + READ_BYTES);
	buffer_init(&host->frame, FRAME_MAX);
	buffer_init(&host->said, FRAME_MAX);
	host_bus_serve(host);
	host->plugin.file = memory_text(setup->name);
	host->plugin.copy = memory_text(setup->copy);
	snprintf(host->plugin.hash, sizeof(host->plugin.hash), "%s", setup->hash);
	list_init(&host->jobs);
	list_init(&host->moved);
	list_init(&host->spares);
	talks_init(host);
}

static void release(struct host *host)
{
	buffer_release(&host->in);
	buffer_release(&host->frame);
	buffer_release(&host->said);
	shared_release(&host->shared);
	free(host->plugin.file);
	free(host->plugin.copy);
	free(host->plugin.refusal);
	crew_free(host->plugin.crew);
	loop_free(host->loop);
}

static const char *reason(int rc)
{
	switch (rc) {
	case ERR_PROTOCOL:
		return "its peer sent what makes no sense";
	case ERR_NOMEM:
	case ERR_LIMIT:
		return "out of memory";
	default:
		return strerror(errno);
	}
}

/* The end does not wait for those that hang. */
static void wait_for_threads(struct host *host)
{
	if (host->busy > 0) {
		(void)!crew_wait(host->plugin.crew, LAST_MS);
		loop_run_posted(host->loop);
	}
}

static int exit_status(bool loaded, int rc)
{
	return loaded && (rc == 0 || rc == ERR_CLOSED) ? EXIT_SUCCESS : EXIT_FAILURE;
}

int host_run(const struct host_setup *setup)
{
	struct host host = { .setup = setup };
	bool loaded;
	int rc;

	if (open_page(&host) != 0) {
		perror("tincan-host: cannot map the page");
		return EXIT_FAILURE;
	}
	guard_init(setup->socket_fd, host.page);
	init(&host, setup);
	rc = load(&host);
	loaded = host.plugin.handler != NULL;
	if (rc == 0 && loaded) {
		rc = serve(&host);
	}
	if (rc != 0 && rc != ERR_CLOSED) {
		fprintf(stderr, "tincan-host: %s: %s\n", setup->name, reason(rc));
	}
	wait_for_threads(&host);
	job_part_all(&host);
	talks_release(&host);
	mount_close_all(&host);
	job_drop_all(&host);
	loop_run_deferred(host.loop);
	if (rc == 0) {
		/* What the instances said last. */
		rc = outbox_flush(&host.outbox);
	}
	guard_leave();
	if (host.busy > 0) {
		/* Threads still use what would be freed. */
		fflush(NULL);
		_exit(exit_status(loaded, rc));
	}
	release(&host);
	return exit_status(loaded, rc);
}
