/* SPDX-License-Identifier: MIT */
/*
 * The other end of a WebSocket under test: makes frames as a client does, and reads what
 * the server wrote into a transcript, a line for each message or control frame. It knows
 * RFC 6455 and RFC 7692 by itself, so as not to share a mistake with what it tests.
 */
#ifndef TINCAN_TESTS_WS_PEER_H
#define TINCAN_TESTS_WS_PEER_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/text.h"
#include "ws/ws.h"

#define PEER_MAX (64 << 20)	/* bytes of a buffer of a test's */
#define PEER_SAID_MAX 200	/* bytes of data that a transcript has as they are */

/* Holds of code under test or data of a test; else the program ends. */
static inline void peer_check(bool holds, const char *what)
{
	if (!holds) {
		fprintf(stderr, "%s\n", what);
		abort();
	}
}

static inline void peer_append(struct buffer *out, const void *data, size_t size)
{
	peer_check(buffer_append(out, data, size) == 0, "out of memory");
}

/* Takes away what the server has written, and appends it. */
static inline void peer_take(struct ws *ws, struct buffer *out)
{
	struct slice written = ws_out(ws);
	size_t size = written.size;

	peer_append(out, written.data, size);
	ws_sent(ws, size);
}

/* The header of a frame, but for its mask: the first byte as it is, then the length. */
static inline void peer_header(struct buffer *out, unsigned first, uint64_t size,
    bool masked)
{
	unsigned char bytes[10] = { (unsigned char)first };
	int length_bytes = size < 126 ? 0 : size < 65536 ? 2 : 8;

	bytes[1] = size < 126 ? (unsigned char)size : length_bytes == 2 ? 126 : 127;
	bytes[1] |= masked ? 0x80 : 0;
	for (int i = 0; i < length_bytes; i++) {
		bytes[2 + i] = (unsigned char)(size >> (8 * (length_bytes - 1 - i)));
	}
	peer_append(out, bytes, 2 + (size_t)length_bytes);
}

/* A frame of a client: bits as ws_bit. */
static inline void peer_frame(struct buffer *out, unsigned bits, unsigned opcode,
    struct slice payload)
{
	static const unsigned char mask[4] = { 0x37, 0xfa, 0x21, 0x3d };
	size_t start;

	peer_header(out, bits << 4 | opcode, payload.size, true);
	peer_append(out, mask, sizeof(mask));
	start = out->size;
	peer_append(out, payload.data, payload.size);
	for (size_t i = 0; i < payload.size; i++) {
		out->data[out->start + start + i] ^= (char)mask[i % 4];
	}
}

static inline void peer_close(struct buffer *out, int code, const char *reason)
{
	char payload[2 + 123] = { (char)(code >> 8), (char)code };
	size_t size = strlen(reason);

	memcpy(payload + 2, reason, size);
	peer_frame(out, WS_FIN, WS_CLOSE, (struct slice){ payload, 2 + size });
}

/* What a client's permessage-deflate makes of data, in a window of that many bits. */
static inline void peer_deflate(struct buffer *out, struct slice data, int window_bits)
{
	z_stream stream = { .next_in = (unsigned char *)(uintptr_t)data.data,
		.avail_in = (unsigned)data.size };
	size_t room = data.size + data.size / 8 + 256;
	char *space = NULL;

	peer_check(deflateInit2(&stream, 6, Z_DEFLATED, -window_bits, 8,
	    Z_DEFAULT_STRATEGY) == Z_OK && buffer_reserve(out, room, &space) == 0,
	    "out of memory");
	stream.next_out = (unsigned char *)space;
	stream.avail_out = (unsigned)room;
	peer_check(deflate(&stream, Z_SYNC_FLUSH) == Z_OK && stream.avail_in == 0,
	    "deflate");
	buffer_commit(out, room - stream.avail_out - 4);
	deflateEnd(&stream);
}

/* What that is, for one whose window has that many bits. */
static inline void peer_inflate(struct buffer *out, struct slice payload, int window_bits)
{
	struct buffer whole;
	z_stream stream = { .avail_in = 0 };
	int rc = Z_OK;

	buffer_init(&whole, PEER_MAX);
	peer_append(&whole, payload.data, payload.size);
	peer_append(&whole, "\0\0\xff\xff", 4);
	peer_check(inflateInit2(&stream, -window_bits) == Z_OK, "inflateInit2");
	stream.next_in = (unsigned char *)whole.data;
	stream.avail_in = (unsigned)whole.size;
	while (rc == Z_OK && (stream.avail_in > 0 || stream.avail_out == 0)) {
		char *space;

		peer_check(buffer_reserve(out, 65536, &space) == 0, "out of memory");
		stream.next_out = (unsigned char *)space;
		stream.avail_out = 65536;
		rc = inflate(&stream, Z_SYNC_FLUSH);
		buffer_commit(out, 65536 - stream.avail_out);
	}
	peer_check(rc == Z_OK || rc == Z_BUF_ERROR, "the server's deflate is broken");
	inflateEnd(&stream);
	buffer_release(&whole);
}

/* Reads frames of the server's. */
struct peer_reader {
	int window_bits;	/* of permessage-deflate; 0: not agreed */
	unsigned opcode;	/* of the message under way, or 0 */
	bool packed;
	struct buffer message;
	unsigned frames;	/* read so far */
	unsigned packed_frames;
};

/* A line of the transcript. Of much data it has only the size and a hash (FNV-1a). */
static inline void peer_say(struct buffer *transcript, const char *what,
    struct slice data)
{
	uint64_t hash = 14695981039346656037u;
	int rc = buffer_printf(transcript, "%s ", what);

	for (size_t i = 0; i < data.size; i++) {
		hash = (hash ^ (unsigned char)data.data[i]) * 1099511628211u;
	}
	if (rc == 0 && data.size > PEER_SAID_MAX) {
		rc = buffer_printf(transcript, "%zu bytes %016" PRIx64, data.size, hash);
	} else if (rc == 0) {
		rc = text_append_printable(transcript, data);
	}
	peer_check(rc == 0 && buffer_append(transcript, "\n", 1) == 0, "out of memory");
}

static inline void peer_say_close(struct buffer *transcript, struct slice payload)
{
	char what[32] = "close";

	if (payload.size >= 2) {
		snprintf(what, sizeof(what), "close %d",
		    (unsigned char)payload.data[0] << 8 | (unsigned char)payload.data[1]);
		slice_skip(&payload, 2);
	}
	peer_say(transcript, what, payload);
}

static inline void peer_read_message(struct peer_reader *reader, unsigned first,
    struct slice payload, struct buffer *transcript)
{
	unsigned opcode = first & 15;
	struct buffer inflated;

	if (opcode != 0) {
		peer_check(reader->opcode == 0, "a message within a message");
		reader->opcode = opcode;
		reader->packed = (first & 0x40) != 0;
		reader->packed_frames += reader->packed;
		peer_check(!reader->packed || reader->window_bits > 0, "RSV1");
	} else {
		peer_check(reader->opcode != 0 && (first & 0x40) == 0, "continuation");
	}
	peer_append(&reader->message, payload.data, payload.size);
	if ((first & 0x80) == 0) {
		return;
	}
	buffer_init(&inflated, PEER_MAX);
	if (reader->packed) {
		peer_inflate(&inflated, buffer_slice(&reader->message),
		    reader->window_bits);
	}
	peer_say(transcript, reader->opcode == 1 ? "text" : "binary",
	    buffer_slice(reader->packed ? &inflated : &reader->message));
	buffer_release(&inflated);
	buffer_release(&reader->message);
	reader->opcode = 0;
}

static inline void peer_read_frame(struct peer_reader *reader, unsigned first,
    struct slice payload, struct buffer *transcript)
{
	unsigned opcode = first & 15;

	reader->frames++;
	peer_check((first & 0x30) == 0, "RSV2 or RSV3");
	if (opcode < 8) {
		peer_check(opcode <= 2, "a reserved opcode");
		peer_read_message(reader, first, payload, transcript);
		return;
	}
	peer_check((first & 0xf0) == 0x80 && payload.size <= 125, "control frame");
	if (opcode == 8) {
		peer_say_close(transcript, payload);
	} else {
		peer_check(opcode <= 10, "a reserved opcode");
		peer_say(transcript, opcode == 9 ? "ping" : "pong", payload);
	}
}

/* Reads as many whole frames as there are, and takes them off the front. */
static inline void peer_read(struct peer_reader *reader, struct slice *bytes,
    struct buffer *transcript)
{
	while (bytes->size >= 2) {
		const unsigned char *p = (const unsigned char *)bytes->data;
		size_t header = p[1] < 126 ? 2 : p[1] == 126 ? 4 : 10;
		uint64_t size = p[1] < 126 ? p[1] : 0;

		peer_check(p[1] < 128, "a masked frame");
		if (bytes->size < header) {
			return;
		}
		for (size_t i = 2; i < header; i++) {
			size = size << 8 | p[i];
		}
		peer_check(header == 2 || size >= (header == 4 ? 126 : 65536),
		    "a length that is not in its shortest form");
		if (bytes->size - header < size) {
			return;
		}
		peer_read_frame(reader, p[0],
		    (struct slice){ bytes->data + header, (size_t)size }, transcript);
		slice_skip(bytes, header + (size_t)size);
	}
}

static inline void peer_reader_init(struct peer_reader *reader, int window_bits)
{
	*reader = (struct peer_reader){ .window_bits = window_bits };
	buffer_init(&reader->message, PEER_MAX);
}

#endif
