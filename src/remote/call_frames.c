/* SPDX-License-Identifier: MIT */
/* What a host says of the calls that it has. It is never trusted. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/pack.h"
#include "remote/call.h"
#include "remote/call_state.h"
#include "remote/filter.h"
#include "remote/reply.h"

/* A piece of a streamed reply, until the client has it. */
struct chunk {
	struct remote *remote;
	uint64_t call;
	size_t size;
	char data[];
};

/* The client has taken a piece: the host may send as much again. */
static void release_chunk(void *arg)
{
	struct chunk *chunk = arg;
	struct remote *remote = chunk->remote;
	struct call *call = call_find(remote, chunk->call);
	uint32_t size = (uint32_t)chunk->size;
	struct slice credit = { (const char *)&size, sizeof(size) };

	if (call != NULL) {
		call->in_flight -= size;
	}
	if (call != NULL && remote_has_host(remote) &&
	    frame_append(link_out(remote->link), FRAME_WINDOW_MORE, 0, 0, chunk->call,
	    credit) == 0) {
		link_flush(remote->link);
	}
	free(chunk);
	remote->chunks--;
	remote_check_idle(remote);
}

/* There is no memory for what the host says, who may say it: the reply breaks off. */
static int judge_piece(struct call *call, int rc)
{
	if (rc == ERR_INVALID) {
		return ERR_PROTOCOL;
	}
	if (rc != 0) {
		call_fail(call, 503, NULL);
		call_cancel(call, 0);
	}
	return 0;
}

static int take_data(struct call *call, struct slice data)
{
	struct chunk *chunk;
	int rc;

	call_go_on(call);
	if (call->exchange == NULL || data.size == 0) {
		return 0;
	}
	if (data.size > FRAME_WINDOW - call->in_flight) {
		return ERR_PROTOCOL;
	}
	chunk = malloc(sizeof(*chunk) + data.size);
	if (chunk == NULL) {
		return judge_piece(call, ERR_NOMEM);
	}
	*chunk = (struct chunk){ .remote = call->remote, .call = call->id,
		.size = data.size };
	memcpy(chunk->data, data.data, data.size);
	call->remote->chunks++;
	call->in_flight += (uint32_t)data.size;
	rc = exchange_write_ref(call->exchange, chunk->data, data.size, release_chunk,
	    chunk);
	return judge_piece(call, rc);
}

/* Only a regular file can be read without ever waiting. */
static int take_file(struct call *call, struct slice payload)
{
	int fd = link_take_fd(call->remote->link);
	int64_t range[2];
	struct stat st;
	int rc;

	if (payload.size != sizeof(range) || fd < 0 || fstat(fd, &st) != 0 ||
	    !S_ISREG(st.st_mode) || ++call->files > FRAME_FILES) {
		if (fd >= 0) {
			close(fd);
		}
		return ERR_PROTOCOL;
	}
	memcpy(range, payload.data, sizeof(range));
	call_go_on(call);
	if (call->exchange == NULL) {
		close(fd);
		return 0;
	}
	rc = exchange_write_file(call->exchange, fd, range[0], range[1]);
	return judge_piece(call, rc);
}

void call_count_answer(const struct call *call)
{
	LIST_OWNER(call->remote->link, struct host_link, link)->answered++;
}

static bool is_cut(const struct frame *frame)
{
	return frame->header.type == FRAME_END && (frame->header.flags & FRAME_BROKEN);
}

/* A last frame: the call ends, whatever becomes of the exchange. */
static int finish(struct call *call, const struct frame *frame)
{
	struct exchange *exchange = call->exchange;
	bool cut = is_cut(frame);
	int rc = filter_may_answer(call);

	if (rc != 0) {
		return rc;
	}

	if (call->state == CALL_SENT) {
		call_count_answer(call);
	}
	call_detach(call);
	if (exchange != NULL && cut && exchange->state == EXCHANGE_OPEN) {
		rc = exchange_abort(exchange);
	} else if (exchange != NULL) {
		rc = frame->header.type == FRAME_REPLY ? reply_take(frame, exchange)
						       : reply_take_end(frame, exchange);
		if (rc != 0) {
			exchange_fail(exchange, 502, "the handler's reply is broken");
		}
	}
	if (exchange != NULL) {
		filter_wake(exchange);
	}
	call_end(call);
	/* A reply that was cut on purpose is no breach of the protocol. */
	return rc == ERR_PROTOCOL && !cut ? rc : 0;
}

static int start(struct call *call, const struct frame *frame)
{
	int rc = filter_may_answer(call);

	if (rc == 0 && call->exchange != NULL) {
		rc = reply_take_start(frame, call->exchange);
	}
	if (call->state == CALL_SENT) {
		call_count_answer(call);
	}
	call->state = CALL_STARTED;
	if (call->exchange != NULL) {
		timer_cancel(&call->timer);
	}
	call_go_on(call);
	return rc;
}

/* on_request has returned, and the rest of the reply is on its way. */
static int take_rest(struct call *call)
{
	if (call->remote->blocking && !call_occupies(call)) {
		return ERR_PROTOCOL;
	}
	if (call->exchange != NULL) {
		timer_cancel(&call->timer);
	} else {
		call_set_timer(call, CALL_KILL_MS);
	}
	call_vacate(call);
	return 0;
}

static int take_later(struct call *call)
{
	if (call->state == CALL_STARTED) {
		return take_rest(call);
	}
	if (call->state != CALL_SENT) {
		return ERR_PROTOCOL;
	}
	call_count_answer(call);
	call->state = CALL_LATER;
	call_vacate(call);
	return 0;
}

static int take_window(struct call *call, struct slice payload)
{
	struct unpack in = { .rest = payload };
	int64_t more = unpack_u32(&in);

	if (!(call->streams || call->wants_body) || call->state < CALL_LATER ||
	    !unpack_done(&in) || more > FRAME_WINDOW - call->credit) {
		return ERR_PROTOCOL;
	}
	call->credit += (int32_t)more;
	call_resume(call);
	return 0;
}

int call_take_frame(struct remote *remote, const struct frame *frame)
{
	struct call *call = call_find(remote, frame->header.id);
	bool started = call != NULL && call->state == CALL_STARTED;

	if (call == NULL || call->state == CALL_WAITING) {
		return ERR_PROTOCOL;
	}
	switch (frame->header.type) {
	case FRAME_REPLY:
		return started ? ERR_PROTOCOL : finish(call, frame);
	case FRAME_START:
		return started ? ERR_PROTOCOL : start(call, frame);
	case FRAME_DATA:
		return started ? take_data(call, frame->payload) : ERR_PROTOCOL;
	case FRAME_FILE:
		return started ? take_file(call, frame->payload) : ERR_PROTOCOL;
	case FRAME_END:
		return started || is_cut(frame) ? finish(call, frame) : ERR_PROTOCOL;
	case FRAME_LATER:
		return take_later(call);
	case FRAME_NEXT:
		return filter_take_next(call, frame);
	case FRAME_PASS:
		return filter_take_pass(call, frame);
	case FRAME_WINDOW_MORE:
		return take_window(call, frame->payload);
	default:
		return ERR_PROTOCOL;
	}
}
