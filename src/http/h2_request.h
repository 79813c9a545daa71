/* SPDX-License-Identifier: MIT */
/*
 * From the fields of an HTTP/2 header section to a request (RFC 9113 section 8.3).
 * Whoever decodes them has checked what makes a request malformed: names in lower case,
 * pseudo-fields first and once, no field of a connection. What is left is to bound them,
 * and to make of them what a request of HTTP/1 would be to a handler. Lifetime: request.
 */
#ifndef TINCAN_HTTP_H2_REQUEST_H
#define TINCAN_HTTP_H2_REQUEST_H

#include "base/error.h"
#include "http/message.h"

/* Decoded bytes that are read past max_header_bytes, so that the request can be refused
 * and the connection go on; who sends more does it on purpose. */
#define H2_REQUEST_EXCESS (256 * 1024)

struct h2_request {
	struct request *request;	/* borrowed */
	const struct http_limits *limits;	/* borrowed */
	uint64_t size;			/* decoded, as RFC 9113 section 6.5.2 counts */
	struct slice path;
	struct slice scheme;
	int status;			/* of a refusal; 0: none yet */
	const char *reason;		/* of the refusal: a static text */
};

/* Starts on a request (after request_init). */
void h2_request_begin(struct h2_request *reader, struct request *request,
    const struct http_limits *limits);

/* The next field, copied. ERR_LIMIT: the section is so large that it is an attack. All
 * else that is wrong is the end's to tell. */
int h2_request_field(struct h2_request *reader, struct slice name,
    struct slice value) MUST_USE;

/* A field of the trailer, after the end: as above. Those that a trailer must not have
 * are dropped; one that does not fit sets status and reason. */
int h2_request_trailer(struct h2_request *reader, struct slice name,
    struct slice value) MUST_USE;

/*
 * The header section is complete; has_body: the stream goes on. Fills in the request.
 *
 * @return 0, or the status of the refusal, with reason
 */
int h2_request_end(struct h2_request *reader, bool has_body) MUST_USE;

#endif
