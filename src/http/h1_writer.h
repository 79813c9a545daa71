/* SPDX-License-Identifier: MIT */
/* The HTTP/1 writer (RFC 9112): a reply into bytes. */
#ifndef TINCAN_HTTP_H1_WRITER_H
#define TINCAN_HTTP_H1_WRITER_H

#include "base/buffer.h"
#include "http/message.h"

/* How the end of a reply's body is told. */
enum h1_framing {
	H1_NO_BODY,	/* HEAD, 1xx, 204, 205, 304: a length only where it is allowed */
	H1_LENGTH,	/* Content-Length */
	H1_CHUNKED,
	H1_UNTIL_CLOSE	/* HTTP/1.0 and a length not known */
};

/* Which framing reply takes, as the answer to request. */
enum h1_framing h1_framing_of(const struct request *request, const struct reply *reply);

/*
 * Appends the status line and the header, names in lower case. A date that is not "" is
 * added unless the reply has one. keep_alive false adds "connection: close"; true adds
 * "connection: keep-alive" for an HTTP/1.0 client. H1_UNTIL_CLOSE is never kept alive.
 * ERR_LIMIT, ERR_NOMEM: nothing was appended.
 */
int h1_write_head(struct buffer *out, const struct request *request,
    const struct reply *reply, enum h1_framing framing, bool keep_alive,
    struct slice date) MUST_USE;

/* Most bytes that h1_write_chunk_start and h1_write_chunk_end append together. */
#define H1_CHUNK_OVERHEAD 20

/* The line before and the one after size (not 0) bytes of a chunk. */
int h1_write_chunk_start(struct buffer *out, size_t size) MUST_USE;
int h1_write_chunk_end(struct buffer *out) MUST_USE;

/* The last chunk, with the trailer (NULL: none). */
int h1_write_last_chunk(struct buffer *out, const struct head *trailer) MUST_USE;

/* "HTTP/1.1 100 Continue" and its empty line. */
int h1_write_continue(struct buffer *out) MUST_USE;

#endif
