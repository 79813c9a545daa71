/* SPDX-License-Identifier: MIT */
/* A WebSocket or a raw stream, between its carrier and a handler: what both have. */
#include "worker/line.h"

#include <stdlib.h>
#include <string.h>

#include "site/site.h"
#include "worker/dispatch.h"

#define FACTS_MAX 16384		/* bytes of what info makes during one call */
#define CODE_RESTART 1012
#define CLOSE_MS 5000	/* once it is closing, in which the peer takes nothing */

/* In the access log, as of a request: what others write for the like. */
enum { STATUS_FINE = 200, STATUS_LOST = 499, STATUS_CRASHED = 502 };

static struct line *line_of(struct duplex *duplex)
{
	return (struct line *)duplex;
}

static void end(struct line *line, uint16_t code)
{
	struct duplex *duplex = &line->duplex;

	if (duplex->state == DUPLEX_ENDED) {
		return;
	}
	duplex->state = DUPLEX_ENDED;
	if (code == DUPLEX_CODE_LOST && line->status == STATUS_FINE) {
		line->status = STATUS_LOST;
	}
	if (duplex->handler_ops != NULL) {
		duplex->handler_ops->end(duplex, code);
		duplex->handler_ops = NULL;
	}
}

void line_finish(struct line *line, uint16_t code)
{
	line->over = true;
	timer_cancel(&line->silence);
	line->ops->wake(line);
	end(line, code);
}

void line_touch(struct line *line)
{
	struct loop *loop = line->worker->loop;
	bool ending = line->closing || line->peer_closed;
	uint32_t ms = ending ? CLOSE_MS : line->protocol->silence_ms(line);

	if (line->over || ms == 0) {
		timer_cancel(&line->silence);
	} else {
		timer_set(&loop->timers, &line->silence, loop->now_ms + ms);
	}
}

static void on_silence(struct timer *timer)
{
	struct line *line = LIST_OWNER(timer, struct line, silence);

	if (line->closing || line->peer_closed) {
		line_finish(line, DUPLEX_CODE_LOST);
	} else {
		line->protocol->silent(line);
	}
}

static void opened(struct duplex *duplex, int status)
{
	struct line *line = line_of(duplex);

	if (duplex->state != DUPLEX_OPENING) {
		return;
	}
	duplex->state = status != 0 ? DUPLEX_ENDED
	    : line->closing ? DUPLEX_CLOSING : DUPLEX_OPEN;
	if (status != 0) {
		line->status = status;
		duplex->handler_ops = NULL;
	} else {
		line_touch(line);
	}
	line->ops->opened(line, status);
	line->ops->wake(line);
}

static size_t waiting(const struct duplex *duplex)
{
	return line_output((const struct line *)duplex).size;
}

static int send(struct duplex *duplex, struct slice data, unsigned flags)
{
	struct line *line = line_of(duplex);
	int rc;

	if (duplex->state > DUPLEX_OPEN || line->closing || line->output_ended) {
		return ERR_CLOSED;
	}
	rc = line->protocol->send(line, data, flags);
	if (rc == 0) {
		line->full = waiting(duplex) > DUPLEX_DRAIN_BYTES;
		line->ops->wake(line);
	}
	return rc;
}

static int close_line(struct duplex *duplex, uint16_t code, struct slice reason)
{
	struct line *line = line_of(duplex);
	int rc;

	if (duplex->state > DUPLEX_OPEN || line->closing) {
		return ERR_CLOSED;
	}
	rc = line->protocol->close(line, code, reason);
	if (rc != 0) {
		return rc;
	}
	if (code == DUPLEX_CODE_FAILED) {
		line->status = STATUS_CRASHED;
	}
	line->closing = true;
	if (duplex->state == DUPLEX_OPEN) {
		duplex->state = DUPLEX_CLOSING;
		line_touch(line);
	}
	line->ops->wake(line);
	return 0;
}

static void pause_line(struct duplex *duplex, bool on)
{
	struct line *line = line_of(duplex);

	line->paused = on;
	if (!on) {
		line->ops->wake(line);
	}
}

static const char *info(const struct duplex *duplex, const char *key)
{
	/* Where a fact is kept is not part of what the handler sees. */
	struct line *line = (struct line *)duplex;

	/* Not every call of the handler comes by here: timers and the bus do not. */
	if (line->facts_us != line->worker->loop->now_us) {
		line->facts_us = line->worker->loop->now_us;
		arena_release(&line->facts);
	}
	if (strcmp(key, "websocket.protocol") == 0) {
		return line->subprotocol;
	}
	if (strcmp(key, "http.version") == 0) {
		return line->version;
	}
	if (strcmp(key, "route") == 0) {
		return line->pattern;
	}
	if (strcmp(key, "route.host") == 0) {
		return line->vhost;
	}
	return line->ops->info(line, key);
}

static const struct duplex_peer_ops peer_ops = { .opened = opened,
	.send = send,
	.close = close_line,
	.pause = pause_line,
	.info = info,
	.waiting = waiting };

static void free_later(struct deferred *later)
{
	struct line *line = LIST_OWNER(later, struct line, later);

	site_mount_unref(line->mount);
	line->protocol->release(line);
	arena_release(&line->facts);
	free(line->subprotocol);
	free(line->vhost);
	free(line->handler);
	free(line);
}

struct line *line_new(struct worker *worker, const struct line_protocol *protocol,
    const struct line_ops *ops, void *carrier)
{
	struct line *line = calloc(1, sizeof(*line));

	if (line == NULL) {
		return NULL;
	}
	line->duplex.peer_ops = &peer_ops;
	line->duplex.kind = (uint8_t)protocol->kind;
	line->protocol = protocol;
	line->ops = ops;
	line->carrier = carrier;
	line->worker = worker;
	line->status = STATUS_FINE;
	line->began_us = worker->loop->now_us;
	arena_init(&line->facts, FACTS_MAX);
	list_append(&worker->lines, &line->link);
	timer_init(&line->silence, on_silence);
	deferred_init(&line->later, free_later);
	return line;
}

void line_connect(struct line *line, const struct site_route *route,
    struct exchange *upgrade)
{
	struct duplex *duplex = &line->duplex;
	const char *vhost = NULL;

	line->mount = route->mount == NULL ? NULL : site_mount_ref(route->mount);
	line->count_as = route->count_as;
	line->handler = strdup(route->plugin->note.name);
	if (upgrade == NULL) {
		dispatch_new_id(line->worker, duplex->id);
	} else {
		memcpy(duplex->id, upgrade->id, sizeof(duplex->id));
		line->version = upgrade->request.version == HTTP_2 ? "2" : "1.1";
		line->pattern = line->mount->pattern;
		vhost = upgrade->vhost;
	}
	line->vhost = vhost == NULL ? NULL : strdup(vhost);
	if (line->handler == NULL || (vhost != NULL && line->vhost == NULL)) {
		duplex->peer_ops->opened(duplex, 503);
		return;
	}
	dispatch_connect(route, duplex, upgrade);
	arena_release(&line->facts);
}

static void no_wake(struct line *line)
{
	(void)line;
}

static void nobody_opened(struct line *line, int status)
{
	(void)line;
	(void)status;
}

static const char *no_info(struct line *line, const char *key)
{
	(void)line;
	(void)key;
	return NULL;
}

/* Of a line that is let go while its handler still has its last call. */
static const struct line_ops no_carrier = { no_wake, nobody_opened, no_info };

void line_free(struct line *line)
{
	line->ops = &no_carrier;
	list_remove(&line->link);
	timer_cancel(&line->silence);
	end(line, DUPLEX_CODE_LOST);
	loop_defer(line->worker->loop, &line->later);
}

void lines_retire(struct worker *worker, const struct site_mount *mount)
{
	for (struct list *link = worker->lines.next; link != &worker->lines;) {
		struct line *line = LIST_OWNER(link, struct line, link);

		link = link->next;
		if (line->mount == mount) {
			(void)!close_line(&line->duplex, CODE_RESTART, SLICE(""));
		}
	}
}

bool line_wants_input(const struct line *line)
{
	/* Of one that is closing nothing is delivered, but its answer is awaited. */
	bool held = line->paused && !line->closing;

	return line->duplex.state >= DUPLEX_OPEN && !held && !line->over &&
	    !line->input_ended;
}

void line_give(struct line *line, struct slice data, unsigned flags)
{
	struct duplex *duplex = &line->duplex;

	if (duplex->handler_ops != NULL && !line->closing) {
		duplex->handler_ops->data(duplex, data, flags);
		arena_release(&line->facts);
	}
}

void line_input(struct line *line, struct slice *bytes)
{
	line->protocol->input(line, bytes);
}

void line_end_input(struct line *line, bool in_order)
{
	line->input_ended = true;
	if (in_order) {
		line->protocol->end_input(line);
	} else {
		line->cut = true;
		line_finish(line, DUPLEX_CODE_LOST);
	}
}

struct slice line_output(const struct line *line)
{
	return line->protocol->output(line);
}

static void tell_drained(struct line *line)
{
	struct duplex *duplex = &line->duplex;

	line->full = false;
	if (duplex->handler_ops != NULL && !line->closing) {
		duplex->handler_ops->drain(duplex);
		arena_release(&line->facts);
	}
}

void line_taken(struct line *line, size_t size)
{
	line->sent += size;
	line->protocol->taken(line, size);
	if (line->closing) {
		line_touch(line);
	}
	if (line->full && line_output(line).size <= DUPLEX_DRAIN_BYTES) {
		tell_drained(line);
	}
}

bool line_settle(struct line *line)
{
	uint16_t code;

	if (!line->over && line->duplex.state != DUPLEX_OPENING &&
	    line->protocol->ended(line, &code)) {
		line_finish(line, code);
	}
	return line->over;
}

void line_drain(struct line *line)
{
	line->protocol->drain(line);
}
