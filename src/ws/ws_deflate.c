/* SPDX-License-Identifier: MIT */
/* zlib's raw deflate, a message at a time. */
#include "ws/ws_deflate.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

/* Half the time of zlib's default level, for a tenth more bytes of JSON and text. */
#define LEVEL 1
#define MEMORY_LEVEL 8		/* zlib's default */
#define BLOCK_END 128		/* in data_type: inflate stopped right behind a block */
#define CHUNK 4096		/* bytes of room at least for what comes out */

/* What ends every flushed block, and is left out at a message's end. */
static const unsigned char tail[4] = { 0x00, 0x00, 0xff, 0xff };

struct ws_deflate {
	z_stream inflater;
	z_stream deflater;
	bool can_inflate;	/* made at first use */
	int deflater_bits;	/* the window it is made for; 0: not made */
};

struct ws_deflate *ws_deflate_new(void)
{
	return calloc(1, sizeof(struct ws_deflate));
}

static void drop_deflater(struct ws_deflate *zlib)
{
	if (zlib->deflater_bits != 0) {
		deflateEnd(&zlib->deflater);
		zlib->deflater_bits = 0;
	}
}

void ws_deflate_free(struct ws_deflate *zlib)
{
	if (zlib == NULL) {
		return;
	}
	if (zlib->can_inflate) {
		inflateEnd(&zlib->inflater);
	}
	drop_deflater(zlib);
	free(zlib);
}

/* Ready for a new message, whatever the last one left. */
static int begin_unpack(struct ws_deflate *zlib)
{
	if (!zlib->can_inflate) {
		if (inflateInit2(&zlib->inflater, -WS_WINDOW_MAX) != Z_OK) {
			return ERR_NOMEM;
		}
		zlib->can_inflate = true;
		return 0;
	}
	return inflateReset(&zlib->inflater) == Z_OK ? 0 : ERR_INVALID;
}

/* Lets the stream write to what out has of room already, if that is much. */
static int make_room(z_stream *stream, struct buffer *out)
{
	size_t left = out->max - out->size;
	size_t room;
	char *space;
	int rc = buffer_reserve(out, left < CHUNK ? left : CHUNK, &space);

	if (rc != 0) {
		return rc;
	}
	room = out->capacity - out->start - out->size;
	room = room < left ? room : left;
	stream->next_out = (unsigned char *)space;
	stream->avail_out = room < UINT_MAX ? (unsigned)room : UINT_MAX;
	return 0;
}

/*
 * One call of inflate or deflate that writes to out; what it says is in *result. When out
 * is full zlib gets a byte elsewhere: if it writes that, there was more than fits.
 */
static int step(z_stream *stream, int (*work)(z_stream *, int), struct buffer *out,
    int *result)
{
	bool full = out->size == out->max;
	unsigned char spill;
	unsigned room;

	if (full) {
		stream->next_out = &spill;
		stream->avail_out = 1;
	} else {
		int rc = make_room(stream, out);

		if (rc != 0) {
			return rc;
		}
	}
	room = stream->avail_out;
	*result = work(stream, Z_SYNC_FLUSH);
	if (full) {
		return stream->avail_out == 0 ? ERR_LIMIT : 0;
	}
	buffer_commit(out, room - stream->avail_out);
	return 0;
}

static void set_input(z_stream *stream, const void *data, size_t size)
{
	stream->next_in = (unsigned char *)(uintptr_t)data;
	stream->avail_in = (unsigned)size;
}

/*
 * Inflates all of the input; *whole says whether it ended between two blocks. A block
 * that calls itself the last ends a stream, but not the message: what follows is another
 * stream (RFC 7692 section 7.2.3.4).
 */
static int inflate_input(z_stream *stream, struct buffer *out, bool *whole)
{
	for (;;) {
		int result;
		int rc = step(stream, inflate, out, &result);

		if (rc != 0) {
			return rc;
		}
		if (result != Z_BUF_ERROR) {	/* which says that nothing has moved */
			*whole = result == Z_STREAM_END ||
			    (stream->data_type & BLOCK_END) != 0;
		}
		if (result == Z_STREAM_END) {
			result = inflateReset(stream);
		}
		if (result != Z_OK && result != Z_BUF_ERROR) {
			return result == Z_MEM_ERROR ? ERR_NOMEM : ERR_INVALID;
		}
		if (stream->avail_in == 0 && stream->avail_out > 0) {
			return 0;
		}
	}
}

int ws_deflate_unpack(struct ws_deflate *zlib, struct slice payload, struct buffer *out)
{
	bool whole = false;
	int rc;

	if (payload.size > UINT_MAX) {
		return ERR_LIMIT;
	}
	rc = begin_unpack(zlib);
	if (rc == 0) {
		set_input(&zlib->inflater, payload.data, payload.size);
		rc = inflate_input(&zlib->inflater, out, &whole);
	}
	if (rc == 0) {
		set_input(&zlib->inflater, tail, sizeof(tail));
		rc = inflate_input(&zlib->inflater, out, &whole);
	}
	return rc == 0 && !whole ? ERR_INVALID : rc;
}

/* Ready for a new message, in a window that the peer can follow. */
static int begin_pack(struct ws_deflate *zlib, int window_bits)
{
	if (zlib->deflater_bits == window_bits) {
		return deflateReset(&zlib->deflater) == Z_OK ? 0 : ERR_INVALID;
	}
	drop_deflater(zlib);
	if (deflateInit2(&zlib->deflater, LEVEL, Z_DEFLATED, -window_bits, MEMORY_LEVEL,
	    Z_DEFAULT_STRATEGY) != Z_OK) {
		return ERR_NOMEM;
	}
	zlib->deflater_bits = window_bits;
	return 0;
}

int ws_deflate_pack(struct ws_deflate *zlib, int window_bits, struct slice data,
    struct buffer *out)
{
	z_stream *stream = &zlib->deflater;
	int rc = data.size > UINT_MAX ? ERR_LIMIT : begin_pack(zlib, window_bits);
	int result;

	if (rc != 0) {
		return rc;
	}
	set_input(stream, data.data, data.size);
	do {
		rc = step(stream, deflate, out, &result);
	} while (rc == 0 && (stream->avail_in > 0 || stream->avail_out == 0));
	if (rc == 0) {
		out->size -= sizeof(tail);
	}
	return rc;
}
