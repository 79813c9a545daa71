/* SPDX-License-Identifier: MIT */
/* The reply of a job, on its way to the peer. */
#include "host/job_reply.h"

#include "host/host.h"
#include "host/screen.h"
#include "ipc/pack.h"
#include "remote/reply.h"

/* The rest of the file, which the peer reads by itself. */
static int send_file(struct host *host, struct job *job)
{
	struct pieces *pieces = &job->exchange.pieces;
	const struct piece *piece = pieces->first;
	size_t mark;
	int rc;

	buffer_reset(&host->frame);
	rc = frame_begin(&host->frame, FRAME_FILE, 0, job->id, &mark);
	rc = rc != 0 ? rc : pack_u64(&host->frame, (uint64_t)piece->offset);
	rc = rc != 0 ? rc : pack_u64(&host->frame, (uint64_t)piece->left);
	rc = rc != 0 ? rc : frame_end(&host->frame, mark, 0);
	if (rc == 0) {
		rc = outbox_put_file(&host->outbox, buffer_slice(&host->frame),
		    piece->fd);
	}
	if (rc == 0) {
		pieces_consume(pieces, (size_t)piece->left);
	}
	return rc;
}

static bool next_is_memory(const struct pieces *pieces)
{
	return pieces->first != NULL && pieces->first->data != NULL;
}

/* Pieces in memory up to room bytes, as handlers may write them in small steps. */
static int pack_memory(struct buffer *out, struct pieces *pieces, size_t room)
{
	struct slice bytes;
	int rc = 0;

	while (rc == 0 && room > 0 && next_is_memory(pieces)) {
		rc = pieces_peek(pieces, NULL, room, &bytes);
		rc = rc != 0 ? rc : buffer_append(out, bytes.data, bytes.size);
		if (rc == 0) {
			pieces_consume(pieces, bytes.size);
			room -= bytes.size;
		}
	}
	return rc;
}

static int send_memory(struct host *host, struct job *job)
{
	size_t room = job->window < FRAME_DATA_MAX ? job->window : FRAME_DATA_MAX;
	size_t mark;
	int rc;

	buffer_reset(&host->frame);
	rc = frame_begin(&host->frame, FRAME_DATA, 0, job->id, &mark);
	rc = rc != 0 ? rc : pack_memory(&host->frame, &job->exchange.pieces, room);
	if (rc == 0) {
		job->window -= host->frame.size - sizeof(struct frame_header);
		rc = frame_end(&host->frame, mark, 0);
	}
	return host_send(host, rc);
}

int job_send_end(struct host *host, struct job *job)
{
	int rc;

	buffer_reset(&host->frame);
	rc = reply_pack_end(&host->frame, job->id, &job->exchange);
	rc = host_send(host, rc);
	job_free(host, job);
	return rc;
}

/* What its window lets through. */
static int send_pieces(struct host *host, struct job *job)
{
	const struct pieces *pieces = &job->exchange.pieces;
	int rc = 0;

	while (rc == 0 && pieces->first != NULL &&
	    (pieces->first->data == NULL || job->window > 0)) {
		rc = pieces->first->data == NULL ? send_file(host, job) :
		    send_memory(host, job);
	}
	return rc;
}

int job_send_more(struct host *host, struct job *job)
{
	struct exchange *exchange = &job->exchange;
	const struct pieces *pieces = &exchange->pieces;
	int rc = send_pieces(host, job);

	if (rc == 0 && pieces->first == NULL && exchange->state != EXCHANGE_STARTED) {
		return job_send_end(host, job);
	}
	if (rc == 0) {
		exchange_taken(exchange);
	}
	return rc;
}

/* Is the reply that of those behind the filter? */
static bool passes(const struct job *job)
{
	return job->screen != NULL && screen_passes(job->screen);
}

static int send_start(struct host *host, struct job *job)
{
	int rc;

	buffer_reset(&host->frame);
	rc = !passes(job) ? reply_pack_start(&host->frame, job->id, &job->exchange) :
	    reply_pack_pass(&host->frame, job->id, &job->exchange,
		screen_has_body(job->screen));
	job->started = true;
	return host_send(host, rc);
}

int job_send_some(struct host *host, struct job *job)
{
	int rc = job->started ? 0 : send_start(host, job);

	rc = rc != 0 ? rc : send_pieces(host, job);
	return rc != 0 ? rc : outbox_flush(&host->outbox);
}

static int send_whole(struct host *host, struct job *job)
{
	int rc;

	buffer_reset(&host->frame);
	rc = reply_pack(&host->frame, job->id, &job->exchange);
	rc = host_send(host, rc);
	if (rc == 0) {
		job_free(host, job);
	}
	return rc;
}

int job_send_reply(struct host *host, struct job *job)
{
	const struct exchange *exchange = &job->exchange;
	int rc = 0;

	if (!job->started && exchange->state == EXCHANGE_BROKEN &&
	    exchange->reply.status == 0) {
		return job_send_end(host, job);
	}
	if (!job->started && !passes(job) && reply_is_small(exchange)) {
		return send_whole(host, job);
	}
	if (!job->started) {
		rc = send_start(host, job);
	}
	if (rc == 0 && passes(job)) {
		if (!screen_has_body(job->screen)) {
			return 0;
		}
		rc = screen_grant(job->screen);
	}
	return rc != 0 ? rc : job_send_more(host, job);
}
