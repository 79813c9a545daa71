/* SPDX-License-Identifier: MIT */
/* A filter in a host. */
#include "host/screen.h"

#include <stdlib.h>

#include "exchange/stage.h"
#include "host/host.h"
#include "host/job.h"
#include "ipc/pack.h"
#include "remote/reply.h"

struct screen {
	struct stage stage;
	struct exchange inner;
	struct deferred turn;
	struct job *job;
	int64_t credit;		/* bytes of DATA that the peer may still send */
	bool whole;		/* the body comes at once, in any case */
};

static void run(struct screen *screen)
{
	struct host *host = screen->job->host;
	int rc;

	stage_run(&screen->stage);
	rc = screen_grant(screen);
	if (rc != 0) {
		host_settle(host, rc);
	}
	loop_defer(host->loop, &host->round_end);
}

static void on_turn(struct deferred *turn)
{
	run(LIST_OWNER(turn, struct screen, turn));
}

static void wake(struct stage *stage)
{
	struct screen *screen = stage->owner;

	loop_defer(screen->job->host->loop, &screen->turn);
}

static void rest(struct stage *stage)
{
	struct screen *screen = stage->owner;

	loop_soon(screen->job->host->loop, &screen->turn);
}

static int pack_edit(struct buffer *out, const struct edit *edit)
{
	int rc = pack_u8(out, (uint8_t)edit->kind);

	rc = rc != 0 ? rc : pack_u8(out, edit->value != NULL);
	rc = rc != 0 ? rc : pack_text(out, slice_of(edit->name));
	return rc != 0 ? rc : pack_text(out, edit->value == NULL ? SLICE("")
	    : slice_of(edit->value));
}

static int pack_next(struct buffer *out, uint64_t id, const struct edits *edits,
    unsigned flags)
{
	size_t mark;
	int rc = frame_begin(out, FRAME_NEXT, 0, id, &mark);

	rc = rc != 0 ? rc : pack_u32(out, edits->count);
	for (const struct edit *at = edits->first; rc == 0 && at != NULL; at = at->next) {
		rc = pack_edit(out, at);
	}
	return frame_finish(out, mark, rc, (uint8_t)flags);
}

/* What of the reply does the filter want to hear? */
static unsigned wants(const struct job *job)
{
	uint32_t can = job->mount->instance->plugin->can;

	return (can & (PLUGIN_ON_REPLY | PLUGIN_ON_PIECE) ? FRAME_MORE : 0u) |
	    (can & PLUGIN_ON_PIECE ? FRAME_PIECES : 0u);
}

static void next(struct stage *stage)
{
	struct screen *screen = stage->owner;
	struct job *job = screen->job;
	struct host *host = job->host;
	int rc;

	stage_enter(stage, &screen->inner);
	if (job->unasked) {
		return;
	}
	buffer_reset(&host->frame);
	rc = pack_next(&host->frame, job->id, &stage->edits, wants(job));
	if (rc == ERR_LIMIT) {
		exchange_overrule(stage->outer, 500, "the filter changes too much");
		return;
	}
	rc = host_send(host, rc);
	if (rc != 0) {
		host_settle(host, rc);
	}
}

static const struct stage_ops ops = { .wake = wake, .rest = rest, .next = next };

struct screen *screen_begin(struct job *job)
{
	struct screen *screen = calloc(1, sizeof(*screen));

	if (screen == NULL) {
		exchange_fail(&job->exchange, 503, "out of memory");
		return NULL;
	}
	screen->job = job;
	screen->credit = FRAME_DATA_MAX;
	deferred_init(&screen->turn, on_turn);
	stage_init(&screen->stage, &job->exchange, &ops, screen);
	instance_filter(job->mount->instance, &screen->stage);
	return screen;
}

void screen_end(struct screen *screen)
{
	if (screen != NULL) {
		deferred_cancel(&screen->turn);
		stage_release(&screen->stage);
		/* It is not told anything any more. */
		screen->stage.outer->handler_ops = NULL;
	}
}

void screen_free(struct screen *screen)
{
	if (screen == NULL) {
		return;
	}
	if (screen->stage.inner != NULL) {
		exchange_release(&screen->inner);
	}
	free(screen);
}

bool screen_go_on(struct screen *screen)
{
	if (screen->stage.state == STAGE_NEXT) {
		run(screen);
	}
	return screen->stage.state > STAGE_NEXT;
}

bool screen_passes(const struct screen *screen)
{
	return screen->stage.passed;
}

bool screen_has_body(const struct screen *screen)
{
	return screen->stage.pieces || screen->whole;
}

int screen_grant(struct screen *screen)
{
	struct job *job = screen->job;
	struct host *host = job->host;
	int64_t more = FRAME_WINDOW - screen->credit - screen->inner.pieces.left;
	uint32_t number = (uint32_t)more;
	struct slice credit = { (const char *)&number, sizeof(number) };
	int rc;

	if (!job->started || screen->whole || !screen->stage.pieces ||
	    screen->stage.state != STAGE_PASSING ||
	    screen->inner.state != EXCHANGE_STARTED || more < FRAME_GRANT) {
		return 0;
	}
	screen->credit += more;
	buffer_reset(&host->frame);
	rc = frame_append(&host->frame, FRAME_WINDOW_MORE, 0, 0, job->id, credit);
	return host_send(host, rc);
}

/* That of a call whose inner exchange is in that state. NULL: it was over when that was
 * said. */
static struct screen *find(struct host *host, const struct frame *frame,
    enum exchange_state state)
{
	struct job *job = job_find(host, frame->header.id);
	struct screen *screen = job == NULL ? NULL : job->screen;

	return screen == NULL || screen->stage.inner == NULL ||
	    screen->inner.state != state || screen->stage.state >= STAGE_LEFT
	    ? NULL : screen;
}

/* What there is no memory for breaks the reply; what an exchange refuses is the peer's
 * fault. */
static int judge(struct screen *screen, int rc)
{
	if (rc == ERR_LIMIT || rc == ERR_NOMEM) {
		exchange_fail(&screen->inner, 502, "out of memory");
		return 0;
	}
	return rc == ERR_INVALID ? ERR_PROTOCOL : rc;
}

int screen_take_start(struct host *host, const struct frame *frame)
{
	struct screen *screen = find(host, frame, EXCHANGE_OPEN);

	if (screen == NULL) {
		return 0;
	}
	screen->whole = frame->header.flags & FRAME_MORE;
	return judge(screen, reply_take_start(frame, &screen->inner));
}

int screen_take_data(struct host *host, const struct frame *frame)
{
	struct screen *screen = find(host, frame, EXCHANGE_STARTED);
	struct slice data = frame->payload;

	if (screen == NULL) {
		return 0;
	}
	if ((int64_t)data.size > screen->credit) {
		return ERR_PROTOCOL;
	}
	screen->credit -= (int64_t)data.size;
	return judge(screen, exchange_pass(&screen->inner, data.data, data.size));
}

int screen_take_end(struct host *host, const struct frame *frame)
{
	struct screen *screen = find(host, frame, EXCHANGE_STARTED);

	if (screen == NULL) {
		return 0;
	}
	return judge(screen, frame->header.flags & FRAME_BROKEN
	    ? exchange_abort(&screen->inner) : reply_take_end(frame, &screen->inner));
}
