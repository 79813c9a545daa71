/* SPDX-License-Identifier: MIT */
/* What a handler that blocks says and hears while it runs. */
#include "host/blocked.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "host/host.h"
#include "host/job_reply.h"
#include "ipc/pack.h"

/* What may come while it runs, and waits: its peer stops well below that. */
#define IN_MAX (16 << 20)

void blocked_init(struct host *host)
{
	host->blocking = host->plugin.can & PLUGIN_BLOCKING;
	if (host->blocking) {
		host->in.max = IN_MAX;
	}
}

static int take_window(struct job *job, const struct frame *frame)
{
	struct unpack in = { .rest = frame->payload };
	uint32_t more = unpack_u32(&in);

	if (!unpack_done(&in)) {
		return ERR_PROTOCOL;
	}
	job->window += more;
	return 0;
}

static int take(struct job *job, const struct frame *frame)
{
	if (frame->header.type == FRAME_WINDOW_MORE) {
		return take_window(job, frame);
	}
	if (job->exchange.state != EXCHANGE_GONE) {
		job_desert(job);
	}
	return 0;
}

static bool is_for(const struct job *job, const struct frame *frame)
{
	return frame->header.id == job->id &&
	    (frame->header.type == FRAME_WINDOW_MORE ||
		frame->header.type == FRAME_CANCEL);
}

/* Takes the frame of that size at that place out of what was received. */
static void cut_out(struct buffer *in, size_t at, size_t size)
{
	char *data = in->data + in->start;

	memmove(data + at, data + at + size, in->size - at - size);
	in->size -= size;
}

/* Looks through the frames that have come since the last time. */
static int hear(struct host *host, struct job *job)
{
	struct frame frame;
	int rc = 0;

	while (rc == 0) {
		struct slice bytes = buffer_slice(&host->in);

		slice_skip(&bytes, host->heard);
		rc = frame_next(&bytes, &frame);
		if (rc != 0 || !is_for(job, &frame)) {
			host->heard = rc == 0 ? host->in.size - bytes.size : host->heard;
			continue;
		}
		rc = take(job, &frame);
		cut_out(&host->in, host->heard, frame.header.size);
	}
	return rc == ERR_AGAIN ? 0 : rc;
}

static int receive(struct host *host, struct job *job)
{
	int rc = 0;

	while (rc == 0) {
		rc = host_receive(host);
		rc = rc != 0 ? rc : hear(host, job);
	}
	return rc == ERR_AGAIN ? 0 : rc;
}

void blocked_say(struct job *job)
{
	struct host *host = job->host;

	/* A check's goes nowhere. */
	if (job->id == 0) {
		return;
	}
	if (job_send_some(host, job) == 0 && receive(host, job) == ERR_CLOSED &&
	    job->exchange.state != EXCHANGE_GONE) {
		job_desert(job);
	}
}

static int wait_for_peer(const struct host *host)
{
	struct pollfd peer = { .fd = host->peer.fd, .events = POLLIN };

	return poll(&peer, 1, -1) >= 0 || errno == EINTR ? 0 : ERR_SYSTEM;
}

static bool has_room(const struct job *job)
{
	return job->exchange.pieces.copied < EXCHANGE_HIGH;
}

int blocked_wait(struct job *job)
{
	struct host *host = job->host;
	int rc = 0;

	if (job->id == 0) {
		pieces_release(&job->exchange.pieces);
		return 0;
	}
	/* A HEAD is complete without what has been counted so far. */
	if (job->exchange.unkept > 0) {
		return ERR_CLOSED;
	}
	rc = hear(host, job);
	while (rc == 0 && job->exchange.state != EXCHANGE_GONE) {
		rc = job_send_some(host, job);
		if (rc == 0 && has_room(job)) {
			return 0;
		}
		rc = rc != 0 ? rc : wait_for_peer(host);
		rc = rc != 0 ? rc : receive(host, job);
	}
	return rc == 0 ? ERR_CLOSED : rc;
}
