/* SPDX-License-Identifier: MIT */
/* A reply over HTTP/1: header, body in the framing that fits, trailer. */
#include "worker/access.h"
#include "worker/connection.h"
#include "worker/h1_state.h"
#include "worker/limits.h"

/* A piece of memory up to this size is copied behind the header, into the same record. */
#define COPY_BYTES 8192

/* Has the client to open another connection for the next one? */
static bool is_last(const struct h1_session *session)
{
	uint32_t most = h1_worker(session)->config->limits.max_requests_per_connection;

	return most != 0 && session->requests >= most;
}

static int write_head(struct h1_session *session)
{
	struct worker *worker = h1_worker(session);
	struct exchange *exchange = session->exchange;
	bool keep;

	session->framing = h1_framing_of(&exchange->request, &exchange->reply);
	keep = exchange->request.keep_alive && !session->closing && !worker->draining &&
	    !session->continue_owed && session->framing != H1_UNTIL_CLOSE;
	if (keep && is_last(session)) {
		limits_count(worker, LIMIT_MAX_REQUESTS_PER_CONNECTION);
		keep = false;
	}
	session->closing = !keep;
	session->head_written = true;
	return h1_write_head(&worker->out, &exchange->request, &exchange->reply,
	    session->framing, keep, worker_date(worker));
}

static int write_piece(struct h1_session *session, struct slice piece)
{
	struct buffer *out = &h1_worker(session)->out;
	bool chunked = session->framing == H1_CHUNKED;
	int rc = chunked ? h1_write_chunk_start(out, piece.size) : 0;

	if (rc == 0) {
		rc = piece.size <= COPY_BYTES ? buffer_append(out, piece.data, piece.size)
		    : connection_write(session->base.connection, piece);
	}
	return rc == 0 && chunked ? h1_write_chunk_end(out) : rc;
}

/* How much of the body may be written in one go. */
static size_t piece_room(const struct h1_session *session)
{
	size_t room = connection_room(session->base.connection);

	room -= room < H1_CHUNK_OVERHEAD ? room : H1_CHUNK_OVERHEAD;
	return room < WORKER_PIECE_BYTES ? room : WORKER_PIECE_BYTES;
}

/* 0 when the queue is empty, ERR_AGAIN when there is no room for more of it now. */
static int write_pieces(struct h1_session *session)
{
	struct exchange *exchange = session->exchange;
	struct slice piece;
	int rc = 0;

	while (rc == 0 && exchange->pieces.left > 0) {
		size_t room = piece_room(session);

		if (room == 0) {
			return ERR_AGAIN;
		}
		rc = pieces_peek(&exchange->pieces, h1_worker(session)->scratch, room,
		    &piece);
		if (rc == 0) {
			rc = write_piece(session, piece);
		}
		if (rc == 0) {
			pieces_consume(&exchange->pieces, piece.size);
			session->sent += piece.size;
		}
	}
	return rc;
}

static int write_end(struct h1_session *session)
{
	const struct exchange *exchange = session->exchange;

	session->reply_written = true;
	if (session->framing != H1_CHUNKED) {
		return 0;
	}
	return h1_write_last_chunk(&h1_worker(session)->out,
	    exchange_sends_trailer(exchange) ? &exchange->reply.trailer : NULL);
}

/* An exchange ends when its reply is written and its request read, or never will be. */
static void end_exchange(struct h1_session *session)
{
	if (session->request_read || session->closing) {
		access_done(session->base.connection, session->exchange, session->sent);
		h1_drop_exchange(session);
		session->request_read = false;
		session->base.done = session->closing;
	}
}

/* A reply without a body is complete with its header, however long the handler goes on:
 * the client is about to send its next request. */
static bool is_complete(const struct h1_session *session)
{
	return session->exchange->state == EXCHANGE_ENDED ||
	    session->framing == H1_NO_BODY;
}

/* ERR_AGAIN: there is no room for more now. */
static int write_reply(struct h1_session *session)
{
	struct exchange *exchange = session->exchange;
	int rc = 0;

	if (exchange->state == EXCHANGE_BROKEN && exchange->reply.status == 0) {
		return ERR_CLOSED;
	}
	if (!session->head_written) {
		rc = connection_room(session->base.connection) == 0 ? ERR_AGAIN :
		    write_head(session);
	}
	if (rc == 0) {
		rc = write_pieces(session);
	}
	if (rc == 0 && exchange->state == EXCHANGE_BROKEN) {
		return ERR_CLOSED;
	}
	if (rc == 0 && is_complete(session)) {
		return write_end(session);
	}
	/* What it brings is for the next turn. */
	exchange_taken(exchange);
	return rc;
}

void h1_reply_write(struct h1_session *session)
{
	int rc = 0;

	if (session->upgraded && session->line != NULL) {
		if (connection_room(session->base.connection) > 0) {
			h1_upgrade_finish(session);
		}
		return;
	}
	if (session->exchange == NULL || session->exchange->state == EXCHANGE_OPEN) {
		return;
	}
	if (!session->reply_written) {
		rc = write_reply(session);
	}
	if (session->reply_written) {
		end_exchange(session);
	}
	if (rc < 0) {
		/* RFC 9112 section 8: the peer must see that this is not the whole of
		 * it. */
		session->base.cut = true;
		session->base.done = true;
	}
}
