/* SPDX-License-Identifier: MIT */
/* Frames become messages. */
#include "ws/ws_reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "ws/ws_code.h"

#define MORE (-1)		/* in place of a code: the event is not complete */
#define KEPT_BYTES 16384	/* of a buffer, from one message to the next */

struct ws_reader {
	struct ws_frames *frames;	/* owned */
	enum ws_opcode opcode;	/* of the message; WS_CONTINUATION: between two */
	bool packed;		/* it is to be inflated */
	struct utf8 utf8;	/* of the text so far; complete between two messages */
	struct buffer message;	/* its payload so far */
	struct buffer unpacked;
	uint8_t control_size;
	char control[WS_CONTROL_MAX];	/* a control frame's payload so far */
};

struct ws_reader *ws_reader_new(struct tally *tally)
{
	struct ws_reader *reader = calloc(1, sizeof(*reader));

	if (reader == NULL) {
		return NULL;
	}
	reader->frames = ws_frames_new();
	if (reader->frames == NULL) {
		free(reader);
		return NULL;
	}
	reader->message.tally = tally;
	reader->unpacked.tally = tally;
	return reader;
}

void ws_reader_free(struct ws_reader *reader)
{
	if (reader != NULL) {
		ws_frames_free(reader->frames);
		buffer_release(&reader->message);
		buffer_release(&reader->unpacked);
		free(reader);
	}
}

bool ws_reader_between(const struct ws_reader *reader)
{
	return reader->opcode == WS_CONTINUATION && ws_frames_between(reader->frames);
}

static void trim(struct buffer *buffer)
{
	if (buffer->capacity > KEPT_BYTES) {
		buffer_release(buffer);
	}
}

void ws_reader_trim(struct ws_reader *reader)
{
	trim(&reader->message);
	trim(&reader->unpacked);
}

/*
 * How many bytes of payload may become a message of max_message. Packed, they are a bit
 * more where there is nothing to win: by zlib's deflateBound, an eighth at most.
 */
static size_t payload_bound(const struct ws_reader *reader,
    const struct ws_bounds *bounds)
{
	size_t max = bounds->max_message;

	return reader->packed ? max + max / 8 + 64 : max;
}

/* Judges the header of a message's first frame. */
static int begin_message(struct ws_reader *reader, const struct ws_bounds *bounds,
    const struct ws_piece *piece)
{
	if (reader->opcode != WS_CONTINUATION ||
	    ((piece->bits & WS_RSV1) != 0 && bounds->zlib == NULL)) {
		return WS_CODE_PROTOCOL;
	}
	reader->opcode = piece->opcode;
	reader->packed = (piece->bits & WS_RSV1) != 0;
	buffer_reset(&reader->message);
	reader->message.max = payload_bound(reader, bounds);
	return 0;
}

/* Judges a frame's header: 0, or the code to fail with. */
static int begin_frame(struct ws_reader *reader, const struct ws_bounds *bounds,
    const struct ws_piece *piece)
{
	const struct buffer *message = &reader->message;
	int code = 0;

	if ((piece->bits & (WS_RSV2 | WS_RSV3)) != 0) {
		return WS_CODE_PROTOCOL;
	}
	switch (piece->opcode) {
	case WS_TEXT:
	case WS_BINARY:
		code = begin_message(reader, bounds, piece);
		break;
	case WS_CONTINUATION:
		if (reader->opcode == WS_CONTINUATION || (piece->bits & WS_RSV1) != 0) {
			return WS_CODE_PROTOCOL;
		}
		break;
	case WS_CLOSE:
	case WS_PING:
	case WS_PONG:
		reader->control_size = 0;
		return (piece->bits & WS_RSV1) != 0 ? WS_CODE_PROTOCOL : 0;
	default:
		return WS_CODE_PROTOCOL;
	}
	/* Told before the bytes are here: none is taken in vain. */
	if (code == 0 && piece->payload_size > message->max - message->size) {
		code = WS_CODE_TOO_BIG;
	}
	return code;
}

/* What a close frame says: 0, or the code to fail with. */
static int read_close(struct ws_event *event)
{
	const unsigned char *bytes = (const unsigned char *)event->data.data;

	if (event->data.size == 0) {
		event->code = WS_CODE_NONE;
		return 0;
	}
	if (event->data.size < 2) {
		return WS_CODE_PROTOCOL;
	}
	event->code = (uint16_t)(bytes[0] << 8 | bytes[1]);
	slice_skip(&event->data, 2);
	if (!ws_code_may_be_sent(event->code)) {
		return WS_CODE_PROTOCOL;
	}
	return utf8_valid(event->data) ? 0 : WS_CODE_DATA;
}

/* Some of a control frame: 0, MORE, or the code to fail with. */
static int read_control(struct ws_reader *reader, const struct ws_piece *piece,
    struct ws_event *event)
{
	char *space = reader->control + reader->control_size;

	/* wslay has refused a longer one. */
	memcpy(space, piece->data.data, piece->data.size);
	reader->control_size += (uint8_t)piece->data.size;
	if (!piece->last) {
		return MORE;
	}
	event->opcode = piece->opcode;
	event->data = (struct slice){ reader->control, reader->control_size };
	return piece->opcode == WS_CLOSE ? read_close(event) : 0;
}

static int code_of(int rc)
{
	return rc == ERR_LIMIT ? WS_CODE_TOO_BIG :
	    rc == ERR_NOMEM ? WS_CODE_INTERNAL : WS_CODE_DATA;
}

/* The message is complete: 0 with what it is without compression, or a code. */
static int finish_message(struct ws_reader *reader, const struct ws_bounds *bounds,
    struct ws_event *event)
{
	event->opcode = reader->opcode;
	event->data = buffer_slice(&reader->message);
	reader->opcode = WS_CONTINUATION;
	if (reader->packed) {
		int rc;

		buffer_reset(&reader->unpacked);
		reader->unpacked.max = bounds->max_message;
		rc = ws_deflate_unpack(bounds->zlib, event->data, &reader->unpacked);
		if (rc != 0) {
			return code_of(rc);
		}
		event->data = buffer_slice(&reader->unpacked);
		if (event->opcode == WS_TEXT && !utf8_feed(&reader->utf8, event->data)) {
			return WS_CODE_DATA;
		}
	}
	return utf8_complete(&reader->utf8) ? 0 : WS_CODE_DATA;
}

/* Some of a message: likewise. */
static int read_message(struct ws_reader *reader, const struct ws_bounds *bounds,
    const struct ws_piece *piece, struct ws_event *event)
{
	int rc = buffer_append(&reader->message, piece->data.data, piece->data.size);

	if (rc != 0) {
		return code_of(rc);
	}
	/* At once, not when the message is complete: that may be a long time. */
	if (reader->opcode == WS_TEXT && !reader->packed &&
	    !utf8_feed(&reader->utf8, piece->data)) {
		return WS_CODE_DATA;
	}
	if (!piece->last || (piece->bits & WS_FIN) == 0) {
		return MORE;
	}
	return finish_message(reader, bounds, event);
}

static int read_piece(struct ws_reader *reader, const struct ws_bounds *bounds,
    const struct ws_piece *piece, struct ws_event *event)
{
	int code = piece->first ? begin_frame(reader, bounds, piece) : 0;

	if (code != 0) {
		return code;
	}
	return ws_opcode_is_control(piece->opcode) ? read_control(reader, piece, event) :
	    read_message(reader, bounds, piece, event);
}

int ws_reader_read(struct ws_reader *reader, const struct ws_bounds *bounds,
    struct slice *bytes, struct ws_event *event)
{
	struct ws_piece piece;
	int code;

	do {
		int rc = ws_frames_read(reader->frames, bytes, &piece);

		if (rc == ERR_AGAIN) {
			return rc;
		}
		code = rc != 0 ? WS_CODE_PROTOCOL :
		    read_piece(reader, bounds, &piece, event);
	} while (code == MORE);
	if (code == 0) {
		return 0;
	}
	event->code = (uint16_t)code;
	return code == WS_CODE_INTERNAL ? ERR_NOMEM : ERR_PROTOCOL;
}
