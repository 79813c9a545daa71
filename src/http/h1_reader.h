/* SPDX-License-Identifier: MIT */
/*
 * The HTTP/1 reader (RFC 9112): bytes in, events out. It holds no socket and no
 * clock, allocates nothing per field, and gives the same events for any split of
 * the input. Strict: what request smuggling lives on is refused, never repaired.
 *
 *	h1_reader_begin -> H1_HEAD -> H1_BODY* -> H1_END -> begin again
 *	                \-> H1_REFUSED at any point: reply, then close
 */
#ifndef TINCAN_HTTP_H1_READER_H
#define TINCAN_HTTP_H1_READER_H

#include <stdint.h>

#include "base/slice.h"
#include "http/message.h"

enum h1_event {
	H1_NEED,	/* all input is used; call again with more */
	H1_HEAD,	/* the request but for its body and trailer is complete */
	H1_BODY,	/* *body is a piece of the body, borrowed from the input */
	H1_END,		/* the request is complete; what input is left is the next one */
	H1_REFUSED	/* status and reason say why; nothing more can be read */
};

/* Lifetime: connection. Only status and reason are for others to read. */
struct h1_reader {
	struct request *request;	/* borrowed from begin until H1_END */
	const struct http_limits *limits;	/* borrowed */
	int state;			/* enum in h1_reader.c */
	uint32_t line_start;		/* of the line being read, in the head's text */
	uint32_t overhead;		/* bytes of header, trailer or chunk extensions */
	uint32_t count;			/* of empty lines, or digits of a chunk's size */
	uint32_t method_size;		/* 0 until the request line is complete */
	uint32_t target_size;
	uint64_t left;			/* body or chunk bytes still to come */
	int status;			/* of H1_REFUSED */
	const char *reason;		/* of H1_REFUSED: a static text for the reply */
};

void h1_reader_init(struct h1_reader *reader, const struct http_limits *limits);

/* Starts on a new request, to be filled into request (after request_init). */
void h1_reader_begin(struct h1_reader *reader, struct request *request);

/* Has a byte of the request been seen yet? (Tells idle from half-sent.) */
bool h1_reader_started(const struct h1_reader *reader);

/* Reads on; takes what it uses off the front of *input. Body is set on H1_BODY only. */
enum h1_event h1_reader_next(struct h1_reader *reader, struct slice *input,
    struct slice *body);

#endif
