/* SPDX-License-Identifier: MIT */
/* One call of the peer. */
#include "host/job.h"

#include <stdlib.h>
#include <string.h>

#include "host/alone.h"
#include "host/blocked.h"
#include "host/host.h"
#include "host/job_reply.h"
#include "host/screen.h"
#include "ipc/pack.h"

#define JOB_SPARES 64		/* jobs that are kept, each with about 6 KB */

/* What a handler says at once is taken when it returns. */
static void wake(struct exchange *exchange)
{
	struct job *job = (struct job *)exchange;

	if (job->later) {
		list_remove(&job->moved);
		list_append(&job->host->moved, &job->moved);
		loop_defer(job->host->loop, &job->host->round_end);
	}
}

/* Who blocks may do so for long between two pieces: they go out as they are said. */
static void wake_blocking(struct exchange *exchange)
{
	struct job *job = (struct job *)exchange;

	if (!job->later && exchange->state == EXCHANGE_STARTED) {
		blocked_say(job);
	} else {
		wake(exchange);
	}
}

static int wait_for_room(struct exchange *exchange)
{
	return blocked_wait((struct job *)exchange);
}

static const char *info(const struct exchange *exchange, const char *key)
{
	const struct job *job = job_of(exchange);

	for (size_t i = 0; i < EXCHANGE_FACTS; i++) {
		if (strcmp(exchange_facts[i], key) == 0) {
			return job->facts[i];
		}
	}
	return NULL;
}

static const struct exchange_ops ops = { .wake = wake, .info = info };
static const struct exchange_ops blocking_ops = { .wake = wake_blocking,
	.wait = wait_for_room, .info = info };

struct job *job_new(struct host *host)
{
	struct job *job;

	if (host->spare_count > 0) {
		job = LIST_OWNER(host->spares.next, struct job, link);
		list_remove(&job->link);
		host->spare_count--;
	} else {
		job = calloc(1, sizeof(*job));
		if (job == NULL) {
			return NULL;
		}
		job->host = host;
		list_init(&job->link);
		list_init(&job->moved);
	}
	exchange_init(&job->exchange, host->blocking ? &blocking_ops : &ops, job);
	memset(job->facts, 0, sizeof(job->facts));
	job->id = 0;
	job->mount = NULL;
	job->alone = NULL;
	job->screen = NULL;
	job->filters = false;
	job->unasked = false;
	job->receiving = false;
	job->later = false;
	job->started = false;
	job->window = FRAME_WINDOW;
	job->credit = 0;
	return job;
}

void job_free(struct host *host, struct job *job)
{
	struct mount *mount = job->mount;
	struct alone *alone = job->alone;
	struct screen *screen = job->screen;

	alone_end(alone);
	screen_end(screen);
	list_remove(&job->link);
	list_remove(&job->moved);
	if (host->spare_count < JOB_SPARES) {
		exchange_reset(&job->exchange);
		list_append(&host->spares, &job->link);
		host->spare_count++;
	} else {
		exchange_release(&job->exchange);
		free(job);
	}
	alone_free(alone);
	screen_free(screen);
	/* Last: the reply's memory may have been the instance's to release. */
	if (mount != NULL) {
		mount_give(mount);
	}
}

struct job *job_find(const struct host *host, uint64_t id)
{
	for (struct list *at = host->jobs.next; at != &host->jobs; at = at->next) {
		struct job *job = LIST_OWNER(at, struct job, link);

		if (job->id == id) {
			return job;
		}
	}
	return NULL;
}

static int say_later(struct host *host, const struct job *job)
{
	int rc;

	buffer_reset(&host->frame);
	rc = frame_append(&host->frame, FRAME_LATER, 0, 0, job->id, SLICE(""));
	return host_send(host, rc);
}

/* A crash from here on costs it: the peer must not send it to the next host. */
static int send_later(struct host *host, struct job *job)
{
	job->later = true;
	if (job->screen != NULL && screen_go_on(job->screen)) {
		return 0;
	}
	return job->exchange.state == EXCHANGE_OPEN ? say_later(host, job)
						    : job_send_reply(host, job);
}

/* Of a handler that blocks the peer waits to hear that it has returned. */
static int answer_blocking(struct host *host, struct job *job)
{
	uint64_t id = job->id;
	bool gone = job->exchange.state == EXCHANGE_GONE;
	bool open = job->exchange.state == EXCHANGE_OPEN;
	int rc;

	if (gone && job->exchange.held) {
		job->later = true;
		return say_later(host, job);
	}
	if (gone) {
		return job_send_end(host, job);
	}
	rc = job->exchange.held ? send_later(host, job) : job_send_reply(host, job);
	job = job_find(host, id);
	return rc != 0 || job == NULL || open ? rc : say_later(host, job);
}

void job_run(struct host *host, struct job *job)
{
	struct instance *instance = job->mount->instance;
	bool alone = host->setup->probe &&
	    (instance->plugin->can & PLUGIN_REQUESTS) == 0;

	host->heard = host->taken;
	host_enter(host, alone || job->filters ? PAGE_ON_FILTER : PAGE_ON_REQUEST,
	    job->id, job->exchange.id);
	host->answering = true;
	if (alone) {
		job->alone = alone_begin(host->loop, instance, &job->exchange);
	} else if (job->filters) {
		job->screen = screen_begin(job);
	} else {
		instance_request(instance, &job->exchange);
	}
}

/* It has one writer: no need for an atomic addition. */
static void count_finished(struct page *page)
{
	uint64_t before = atomic_load_explicit(&page->finished, memory_order_relaxed);

	atomic_store_explicit(&page->finished, before + 1, memory_order_relaxed);
}

/* The peer may send as much more of the body as the handler has taken. */
static int grant(struct host *host, struct job *job)
{
	const struct exchange *exchange = &job->exchange;
	int64_t more = FRAME_WINDOW - job->credit - (int64_t)exchange->body.size;
	uint32_t number = (uint32_t)more;
	struct slice credit = { (const char *)&number, sizeof(number) };
	int rc;

	if (!upload_awaits(exchange) || more < FRAME_GRANT) {
		return 0;
	}
	job->credit += more;
	buffer_reset(&host->frame);
	rc = frame_append(&host->frame, FRAME_WINDOW_MORE, 0, 0, job->id, credit);
	return host_send(host, rc);
}

/* The handler has answered later, or has gone on. */
static int go_on(struct host *host, struct job *job)
{
	upload_go_on(&job->exchange);
	return grant(host, job);
}

/* From the complete request to the reply; the page says so until the reply is safe. */
static int answer(struct host *host, struct job *job)
{
	int64_t began_us = host->now_us;
	bool unasked = job->unasked;
	bool later;
	int rc;

	job_run(host, job);
	later = job->exchange.held;
	rc = host->blocking ? answer_blocking(host, job) :
	    later ? send_later(host, job) : job_send_reply(host, job);
	if (rc != 0) {
		return rc;
	}
	/* The peer counts what it hears, and of that one it hears nothing yet. */
	if (!unasked) {
		count_finished(host->page);
	}
	host->answering = false;
	host_leave(host);
	rc = later && job->exchange.upload.on ? go_on(host, job) : 0;
	return rc != 0 ? rc : host_rest(host, began_us);
}

static int refuse(struct host *host, struct job *job, int status, const char *reason)
{
	exchange_fail(&job->exchange, status, reason);
	return job_send_reply(host, job);
}

static int begin(struct host *host, struct job *job, uint32_t instance, bool more)
{
	job->mount = mount_take(host, instance);
	if (job->mount == NULL) {
		return refuse(host, job, 503, "the handler refused this route");
	}
	if (more) {
		job->receiving = true;
		return 0;
	}
	return answer(host, job);
}

int job_request(struct host *host, const struct frame *frame)
{
	struct job *job = job_new(host);
	uint32_t instance;
	bool more;
	int rc;

	if (job == NULL) {
		return ERR_NOMEM;
	}
	job->id = frame->header.id;
	job->filters = frame->header.type == FRAME_FILTER;
	job->unasked = job->filters && (frame->header.flags & FRAME_MORE);
	list_append(&host->jobs, &job->link);
	if (job->unasked && (host->plugin.can & PLUGIN_ON_FILTER)) {
		return ERR_PROTOCOL;
	}
	rc = request_unpack(frame, &job->exchange, &instance, job->facts, &more);
	job->timeout_ms = job->exchange.deadline_ms - host->now_us / 1000;
	switch (rc) {
	case 0:
		return begin(host, job, instance, more);
	case ERR_NOMEM:
	case ERR_LIMIT:
		exchange_reset(&job->exchange);
		return refuse(host, job, 503, "out of memory");
	default:
		return rc;
	}
}

/* A piece of a body that streams. */
static int feed(struct host *host, struct job *job, const struct frame *frame)
{
	int64_t began_us = host->now_us;
	const char *reason;
	int rc;

	job->credit -= (int64_t)frame->payload.size;
	job->exchange.deadline_ms = host->now_us / 1000 + job->timeout_ms;
	if (upload_feed(&job->exchange, frame->payload, frame->header.flags & FRAME_LAST,
		&reason) != 0) {
		return ERR_NOMEM;
	}
	rc = grant(host, job);
	return rc != 0 ? rc : host_rest(host, began_us);
}

int job_trailer(struct host *host, const struct frame *frame)
{
	struct job *job = job_find(host, frame->header.id);
	int rc = job == NULL || !job->exchange.upload.on ? 0 :
	    trailer_unpack(frame, &job->exchange);

	/* A handler that has used up its memory does not get to know it. */
	return rc == ERR_PROTOCOL ? rc : 0;
}

int job_body(struct host *host, const struct frame *frame)
{
	struct job *job = job_find(host, frame->header.id);
	struct buffer *body;
	bool last = frame->header.flags & FRAME_LAST;
	int rc;

	if (job != NULL && job->exchange.upload.on) {
		return feed(host, job, frame);
	}
	/* What was refused or cancelled has more of its body on the way. */
	if (job == NULL || !job->receiving) {
		return 0;
	}
	body = &job->exchange.body;
	rc = buffer_append(body, frame->payload.data, frame->payload.size);
	if (rc == 0 && last) {
		rc = buffer_terminate(body);
	}
	if (rc != 0) {
		return refuse(host, job, 503, "out of memory");
	}
	if (!last) {
		return 0;
	}
	job->receiving = false;
	return answer(host, job);
}

int job_window(struct host *host, const struct frame *frame)
{
	struct job *job = job_find(host, frame->header.id);
	struct unpack in = { .rest = frame->payload };
	uint32_t more = unpack_u32(&in);

	if (!unpack_done(&in)) {
		return ERR_PROTOCOL;
	}
	if (job == NULL || !job->started || job->exchange.state == EXCHANGE_GONE) {
		return 0;
	}
	job->window += more;
	return job_send_more(host, job);
}

/* The peer waits for an END all the same: until then the handler may still be busy with
 * it. */
int job_cancel(struct host *host, const struct frame *frame)
{
	struct job *job = job_find(host, frame->header.id);

	if (job != NULL && job->screen != NULL && (frame->header.flags & FRAME_LAST) &&
	    screen_go_on(job->screen)) {
		return job_send_end(host, job);
	}
	if (job == NULL || job->exchange.state == EXCHANGE_GONE ||
	    !exchange_part(&job->exchange, &ops)) {
		return 0;
	}
	return job_send_end(host, job);
}

void job_desert(struct job *job)
{
	exchange_desert(&job->exchange, &ops);
}

void job_abandon(struct host *host, struct job *job)
{
	if (exchange_part(&job->exchange, &ops)) {
		job_free(host, job);
		return;
	}
	job->later = true;
	list_append(&host->jobs, &job->link);
}

/* The handler has finished what was cancelled; of a check nobody waits to hear that. */
static int send_gone(struct host *host, struct job *job)
{
	if (job->id != 0) {
		return job_send_end(host, job);
	}
	job_free(host, job);
	return 0;
}

static int send_moved(struct host *host, struct job *job)
{
	int rc = 0;

	if (job->exchange.state == EXCHANGE_GONE) {
		return send_gone(host, job);
	}
	if (upload_takes(&job->exchange)) {
		rc = go_on(host, job);
	}
	return rc != 0 || job->exchange.state == EXCHANGE_OPEN ? rc :
	    job_send_reply(host, job);
}

int job_send_moved(struct host *host)
{
	int rc = 0;

	while (rc == 0 && !list_empty(&host->moved)) {
		struct job *job = LIST_OWNER(host->moved.next, struct job, moved);

		list_remove(&job->moved);
		rc = send_moved(host, job);
	}
	return rc;
}

void job_part_all(struct host *host)
{
	for (struct list *at = host->jobs.next; at != &host->jobs; at = at->next) {
		struct job *job = LIST_OWNER(at, struct job, link);

		/* What a handler has still to say goes nowhere. */
		(void)!exchange_part(&job->exchange, &ops);
	}
	for (struct list *at = host->jobs.next; at != &host->jobs; at = at->next) {
		struct job *job = LIST_OWNER(at, struct job, link);

		/* on_done needs the instance, which may be closed behind it. */
		alone_end(job->alone);
		screen_end(job->screen);
		if (job->mount != NULL) {
			mount_give(job->mount);
			job->mount = NULL;
		}
	}
}

void job_drop_all(struct host *host)
{
	while (!list_empty(&host->jobs)) {
		job_free(host, LIST_OWNER(host->jobs.next, struct job, link));
	}
	while (!list_empty(&host->spares)) {
		struct job *job = LIST_OWNER(host->spares.next, struct job, link);

		list_remove(&job->link);
		exchange_release(&job->exchange);
		free(job);
	}
	host->spare_count = 0;
}
