/* SPDX-License-Identifier: MIT */
/*
 * What a complete header means: where the request goes, how its body is framed, whether
 * the connection stays (RFC 9112 sections 3.2, 6 and 9). Rules only, no parsing: that is
 * h1_reader's and h2_request's.
 */
#ifndef TINCAN_HTTP_REQUEST_HEAD_H
#define TINCAN_HTTP_REQUEST_HEAD_H

#include "http/message.h"

/*
 * Judges request, whose version, method, target and head are filled in, and fills in
 * the rest. A body without a content_length is chunked, or ends with its stream: for
 * HTTP/2 has_body is filled in, too.
 *
 * @return 0, or the status of the refusal, with *reason a static text for the reply.
 */
int request_head_judge(struct request *request, const char **reason) MUST_USE;

/* May a trailer have the field (RFC 9110 section 6.5.1)? Its name is in lower case. */
bool request_head_trailer_allowed(struct slice name);

#endif
