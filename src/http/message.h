/* SPDX-License-Identifier: MIT */
/*
 * A request and a reply as every protocol and every handler sees them. Slices of a
 * request are NUL-terminated and point into its head or arena. Lifetime: request.
 */
#ifndef TINCAN_HTTP_MESSAGE_H
#define TINCAN_HTTP_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"
#include "http/head.h"

/* The registered methods that tincan knows; a bit each, so that sets are masks. */
enum http_method {
	HTTP_GET = 1 << 0, HTTP_HEAD = 1 << 1, HTTP_POST = 1 << 2, HTTP_PUT = 1 << 3,
	HTTP_DELETE = 1 << 4, HTTP_CONNECT = 1 << 5, HTTP_OPTIONS = 1 << 6,
	HTTP_TRACE = 1 << 7, HTTP_PATCH = 1 << 8,
	HTTP_OTHER = 0		/* an extension method, or one that does not exist */
};

enum http_version { HTTP_1_0 = 10, HTTP_1_1 = 11, HTTP_2 = 20 };

/* What is read of a request before it is refused. */
struct http_limits {
	uint32_t max_target_bytes;	/* request target; past it 414 */
	uint32_t max_header_bytes;	/* request line and fields; past it 431 */
	uint32_t max_header_fields;	/* past it 431 */
};

struct request {
	struct head head;
	struct head trailer;	/* complete when the body is */
	enum http_version version;
	enum http_method method_id;
	struct slice method;
	struct slice target;	/* as sent */
	struct slice authority;	/* host and port of the target, else of Host; or "" */
	struct slice path;	/* decoded, dot segments taken out; "*" for OPTIONS *, ""
				 * for CONNECT */
	struct slice query;	/* as sent, without the "?" */
	struct slice protocol;	/* :protocol of an extended CONNECT (RFC 8441), which has
				 * a path, too; else "" */
	int64_t content_length;	/* -1: none given (no body, or chunked) */
	bool has_body;		/* body bytes follow the header, be it 0 of them */
	bool expect_continue;
	bool keep_alive;	/* the client lets the connection stay open */
};

/* Ready to be filled; texts go to arena (borrowed), bounded by the two maxima. */
void request_init(struct request *request, struct arena *arena, uint32_t max_head_bytes,
    uint32_t max_fields);

#define REPLY_MAX_FIELDS 256	/* of its header, and of its trailer */

struct reply {
	int status;
	struct head head;	/* without content-length, connection, date */
	struct head trailer;
	int64_t content_length;	/* -1: not known before the end */
};

void reply_init(struct reply *reply, struct arena *arena);

/* The method of that name (case counts, RFC 9110 section 9.1), or HTTP_OTHER. */
enum http_method http_method_of(struct slice name);

/* "GET" for HTTP_GET; of a mask, the lowest bit's. */
const char *http_method_name(enum http_method method);

/* "Not Found" for 404; "" for a code that has no phrase. */
const char *http_status_phrase(int status);

/* May a reply of this status, to this method, have a body? (RFC 9110 section 6.4.1) */
bool http_reply_has_body(enum http_method method, int status);

#endif
