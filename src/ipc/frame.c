/* SPDX-License-Identifier: MIT */
/* Frames between a host and its peer. */
#include "ipc/frame.h"

#include <string.h>

int frame_begin(struct buffer *out, enum frame_type type, uint16_t code, uint64_t id,
    size_t *mark)
{
	struct frame_header header = { .type = (uint8_t)type, .code = code, .id = id };

	*mark = out->size;
	return buffer_append(out, &header, sizeof(header));
}

int frame_end(struct buffer *out, size_t mark, uint8_t flags)
{
	size_t size = out->size - mark;
	char *start = out->data + out->start + mark;
	uint32_t size32 = (uint32_t)size;

	if (size > FRAME_MAX) {
		out->size = mark;
		return ERR_LIMIT;
	}
	memcpy(start + offsetof(struct frame_header, size), &size32, sizeof(size32));
	memcpy(start + offsetof(struct frame_header, flags), &flags, sizeof(flags));
	return 0;
}

int frame_finish(struct buffer *out, size_t mark, int rc, uint8_t flags)
{
	if (rc == 0) {
		return frame_end(out, mark, flags);
	}
	out->size = mark;
	return rc;
}

int frame_append(struct buffer *out, enum frame_type type, uint8_t flags, uint16_t code,
    uint64_t id, struct slice payload)
{
	size_t mark;
	int rc = frame_begin(out, type, code, id, &mark);

	if (rc != 0) {
		return rc;
	}
	return frame_finish(out, mark, buffer_append(out, payload.data, payload.size),
	    flags);
}

int frame_next(struct slice *bytes, struct frame *frame)
{
	if (bytes->size < sizeof(frame->header)) {
		return ERR_AGAIN;
	}
	memcpy(&frame->header, bytes->data, sizeof(frame->header));
	if (frame->header.size < sizeof(frame->header) ||
	    frame->header.size > FRAME_MAX) {
		return ERR_PROTOCOL;
	}
	if (bytes->size < frame->header.size) {
		return ERR_AGAIN;
	}
	frame->payload.data = bytes->data + sizeof(frame->header);
	frame->payload.size = frame->header.size - sizeof(frame->header);
	slice_skip(bytes, frame->header.size);
	return 0;
}
