/* SPDX-License-Identifier: MIT */
/* The frames in what an HTTP/2 client sends. */
#include "http/h2_frames.h"

#define PREFACE_BYTES 24	/* "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" */

void h2_frames_init(struct h2_frames *frames)
{
	*frames = (struct h2_frames){ .left = PREFACE_BYTES };
}

static uint32_t number(const char *bytes, int size)
{
	uint32_t value = 0;

	for (int i = 0; i < size; i++) {
		value = value << 8 | (unsigned char)bytes[i];
	}
	return value;
}

/* A stream's number has 31 bits; the first is not ours to judge. */
static uint32_t stream_number(const char *bytes)
{
	return number(bytes, 4) & INT32_MAX;
}

/* Bytes to be held before the frame can be told of. */
static uint32_t wanted(const struct h2_frames *frames)
{
	uint32_t size;

	if (frames->held < H2_FRAME_HEADER) {
		return H2_FRAME_HEADER;
	}
	size = number(frames->head, 3);
	if ((frames->head[3] == H2_PRIORITY && size == H2_PRIORITY_BYTES) ||
	    (frames->head[3] == H2_PRIORITY_UPDATE && size >= H2_STREAM_BYTES)) {
		return H2_FRAME_HEADER + H2_STREAM_BYTES;
	}
	return H2_FRAME_HEADER;
}

static void hold(struct h2_frames *frames, struct slice *input)
{
	size_t size = wanted(frames) - frames->held;

	size = input->size < size ? input->size : size;
	memcpy(frames->head + frames->held, input->data, size);
	frames->held += (uint32_t)size;
	slice_skip(input, size);
}

static void read_header(const char *head, uint32_t held, struct h2_frame *frame)
{
	*frame = (struct h2_frame){ .size = number(head, 3), .type = (uint8_t)head[3],
		.flags = (uint8_t)head[4], .stream = stream_number(head + 5) };
	if (held > H2_FRAME_HEADER) {
		frame->other = stream_number(head + H2_FRAME_HEADER);
	}
}

bool h2_frames_next(struct h2_frames *frames, struct slice *input, struct slice *piece,
    struct h2_frame *frame)
{
	if (frames->left > 0) {
		piece->data = input->data;
		piece->size = input->size < frames->left ? input->size : frames->left;
		slice_skip(input, piece->size);
		frames->left -= (uint32_t)piece->size;
		return false;
	}
	do {
		hold(frames, input);
	} while (frames->held < wanted(frames) && input->size > 0);
	if (frames->held < wanted(frames)) {
		*piece = SLICE("");
		return false;
	}
	read_header(frames->head, frames->held, frame);
	*piece = (struct slice){ frames->head, frames->held };
	frames->left = frame->size - (frames->held - H2_FRAME_HEADER);
	frames->held = 0;
	return true;
}
