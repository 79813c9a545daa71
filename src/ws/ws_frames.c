/* SPDX-License-Identifier: MIT */
/* wslay's frame API, fed so that it never takes a byte of the frame after. */
#include "ws/ws_frames.h"

#include <stdlib.h>
#include <string.h>
#include <wslay/wslay.h>

/* A client's shortest header: two bytes and the mask. wslay may have that many at once;
 * then it gets a byte at a time until it tells the payload's length. */
#define HEADER_MIN 6

struct ws_frames {
	wslay_frame_context_ptr wslay;	/* owned */
	struct slice *input;	/* of the read that runs */
	struct buffer *output;	/* of the write that runs */
	unsigned header_bytes;	/* given so far to find out what the frame is */
	bool in_payload;
	uint64_t payload_left;	/* once in_payload */
};

/* As many bytes as surely belong to this frame. */
static uint64_t bytes_wanted(const struct ws_frames *frames)
{
	if (frames->in_payload) {
		return frames->payload_left;
	}
	return frames->header_bytes < HEADER_MIN ? HEADER_MIN - frames->header_bytes : 1;
}

static ssize_t give(uint8_t *space, size_t room, int flags, void *arg)
{
	struct ws_frames *frames = arg;
	uint64_t wanted = bytes_wanted(frames);
	size_t size = frames->input->size;

	(void)flags;
	size = size < room ? size : room;
	size = size < wanted ? size : (size_t)wanted;
	if (size == 0) {
		return -1;
	}
	memcpy(space, frames->input->data, size);
	slice_skip(frames->input, size);
	if (!frames->in_payload) {
		frames->header_bytes += (unsigned)size;
	}
	return (ssize_t)size;
}

/* Never fails: ws_frames_write has seen to the room. */
static ssize_t take(const uint8_t *data, size_t size, int flags, void *arg)
{
	struct ws_frames *frames = arg;

	(void)flags;
	return buffer_append(frames->output, data, size) == 0 ? (ssize_t)size : -1;
}

struct ws_frames *ws_frames_new(void)
{
	static const struct wslay_frame_callbacks callbacks = { .send_callback = take,
		.recv_callback = give };
	struct ws_frames *frames = calloc(1, sizeof(*frames));

	if (frames != NULL &&
	    wslay_frame_context_init(&frames->wslay, &callbacks, frames) != 0) {
		free(frames);
		return NULL;
	}
	return frames;
}

void ws_frames_free(struct ws_frames *frames)
{
	if (frames != NULL) {
		wslay_frame_context_free(frames->wslay);
		free(frames);
	}
}

/* What wslay has told of a frame, and where that leaves us in it. */
static void fill_piece(struct ws_frames *frames, struct ws_piece *piece,
    const struct wslay_frame_iocb *told)
{
	*piece = (struct ws_piece){ .opcode = told->opcode,
		.bits = told->rsv | (told->fin != 0 ? WS_FIN : 0),
		.first = !frames->in_payload, .payload_size = told->payload_length,
		.data = { (const char *)told->data, told->data_length } };
	if (piece->first) {
		frames->in_payload = true;
		frames->payload_left = told->payload_length;
	}
	frames->payload_left -= told->data_length;
	piece->last = frames->payload_left == 0;
	if (piece->last) {
		frames->in_payload = false;
		frames->header_bytes = 0;
	}
}

int ws_frames_read(struct ws_frames *frames, struct slice *bytes, struct ws_piece *piece)
{
	struct wslay_frame_iocb told = { 0 };
	ssize_t size;

	frames->input = bytes;
	do {
		size = wslay_frame_recv(frames->wslay, &told);
	} while (size == WSLAY_ERR_WANT_READ && bytes->size > 0);
	if (size == WSLAY_ERR_WANT_READ) {
		return ERR_AGAIN;
	}
	/* Without a mask wslay has had bytes behind the header: of no more use. */
	if (size < 0 || told.mask == 0) {
		return ERR_PROTOCOL;
	}
	fill_piece(frames, piece, &told);
	return 0;
}

bool ws_frames_between(const struct ws_frames *frames)
{
	return frames->header_bytes == 0;
}

int ws_frames_write(struct ws_frames *frames, struct buffer *out, enum ws_opcode opcode,
    unsigned bits, struct slice payload)
{
	struct wslay_frame_iocb frame = { .fin = (bits & WS_FIN) != 0,
		.rsv = (uint8_t)(bits & (WS_RSV1 | WS_RSV2 | WS_RSV3)),
		.opcode = (uint8_t)opcode, .payload_length = payload.size,
		.data = (const uint8_t *)payload.data, .data_length = payload.size };
	char *space;
	int rc = buffer_reserve(out, WS_HEADER_MAX + payload.size, &space);

	if (rc != 0) {
		return rc;
	}
	frames->output = out;
	return wslay_frame_send(frames->wslay, &frame) < 0 ? ERR_INVALID : 0;
}
