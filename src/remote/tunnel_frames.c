/* SPDX-License-Identifier: MIT */
/*
 * What a host says about duplexes, frame by frame. Nothing of it is trusted: what may not
 * come now, or not so, ends the host.
 */
#include "ipc/pack.h"
#include "remote/reply.h"
#include "remote/state.h"

static int take_connected(struct tunnel *tunnel, const struct frame *frame)
{
	struct duplex *duplex = tunnel->duplex;
	int rc = 0;

	if (tunnel->upgrade != NULL) {
		rc = reply_take_fields(frame, tunnel->upgrade);
	} else if (frame->payload.size != sizeof(uint32_t)) {
		rc = ERR_PROTOCOL;
	}
	if (rc == ERR_PROTOCOL) {
		return rc;
	}
	if (rc != 0) {
		tunnel_refuse(tunnel, STATUS_UNAVAILABLE);
		tunnel_leave(tunnel, DUPLEX_CODE_LOST);
		return 0;
	}
	timer_cancel(&tunnel->timer);
	tunnel->state = TUNNEL_OPEN;
	tunnel->upgrade = NULL;
	duplex->peer_ops->opened(duplex, 0);
	return 0;
}

/* With a status, or with all of a reply. */
static int take_refused(struct tunnel *tunnel, const struct frame *frame)
{
	int status = frame->header.code;
	int rc = 0;

	if (status < 300 || status > 599) {
		return ERR_PROTOCOL;
	}
	if (tunnel->upgrade != NULL) {
		rc = frame->header.type == FRAME_REPLY
		    ? reply_take(frame, tunnel->upgrade)
		    : reply_take_fields(frame, tunnel->upgrade);
	}
	if (rc == ERR_PROTOCOL) {
		return rc;
	}
	tunnel_end_refused(tunnel, rc == 0 ? status : STATUS_UNAVAILABLE);
	return 0;
}

static int take_answer(struct tunnel *tunnel, const struct frame *frame)
{
	bool connected = frame->header.type == FRAME_CONNECTED;

	if (tunnel->state == TUNNEL_SENT) {
		return connected ? take_connected(tunnel, frame)
				 : take_refused(tunnel, frame);
	}
	/* The peer has left meanwhile. Who is refused is not heard of again. */
	if (tunnel->state != TUNNEL_LEFT) {
		return ERR_PROTOCOL;
	}
	if (!connected) {
		tunnel_free(tunnel);
	}
	return 0;
}

static int take_message(struct tunnel *tunnel, const struct frame *frame)
{
	int rc;

	if (tunnel->closed || frame->payload.size > FRAME_DATA_MAX ||
	    frame->header.size > tunnel->credit) {
		return ERR_PROTOCOL;
	}
	tunnel->credit -= frame->header.size;
	tunnel->begun = true;
	if (tunnel->duplex == NULL) {
		return 0;
	}
	rc = duplex_send(tunnel->duplex, frame->payload, frame->header.flags);
	tunnel->owed += frame->header.size;
	if (rc == ERR_INVALID) {
		return ERR_PROTOCOL;
	}
	/* A full queue, too: the host has kept to its window. */
	if (tunnel->duplex != NULL && rc == 0) {
		tunnel_grant(tunnel);
	} else if (tunnel->duplex != NULL && rc != ERR_CLOSED) {
		tunnel_fail(tunnel);
	}
	return 0;
}

static int take_close(struct tunnel *tunnel, const struct frame *frame)
{
	int rc = 0;

	if (tunnel->closed) {
		return ERR_PROTOCOL;
	}
	tunnel->closed = true;
	tunnel->begun = true;
	if (tunnel->duplex != NULL) {
		rc = duplex_close(tunnel->duplex, frame->header.code, frame->payload);
	}
	return rc == ERR_INVALID ? ERR_PROTOCOL : 0;
}

static int take_window(struct tunnel *tunnel, const struct frame *frame)
{
	struct unpack in = { .rest = frame->payload };
	uint32_t more = unpack_u32(&in);

	if (!unpack_done(&in) ||
	    (int64_t)tunnel->window + more > FRAME_DUPLEX_WINDOW) {
		return ERR_PROTOCOL;
	}
	tunnel->window += (int32_t)more;
	if (tunnel->window > 0 && list_empty(&tunnel->link)) {
		tunnel_hold_up(tunnel, false);
	}
	return 0;
}

int tunnel_take_frame(struct remote *remote, const struct frame *frame)
{
	struct tunnel *tunnel = tunnel_find(remote, frame->header.id);

	if (tunnel == NULL || tunnel->state == TUNNEL_WAITING) {
		return ERR_PROTOCOL;
	}
	switch (frame->header.type) {
	case FRAME_CONNECTED:
	case FRAME_REFUSED:
	case FRAME_REPLY:
		return take_answer(tunnel, frame);
	case FRAME_MESSAGE:
		return take_message(tunnel, frame);
	case FRAME_CLOSE:
		return take_close(tunnel, frame);
	case FRAME_WINDOW_MORE:
		return take_window(tunnel, frame);
	case FRAME_DISCONNECTED:
		if (tunnel->state != TUNNEL_LEFT || tunnel->unsaid) {
			return ERR_PROTOCOL;
		}
		tunnel_end(tunnel);
		return 0;
	default:
		return ERR_PROTOCOL;
	}
}
