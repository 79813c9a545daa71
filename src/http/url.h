/* SPDX-License-Identifier: MIT */
/* Targets, paths and authorities (RFC 3986, RFC 9112 section 3.2). */
#ifndef TINCAN_HTTP_URL_H
#define TINCAN_HTTP_URL_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

/* A target in its parts, none decoded; borrowed from it. What is not there is "". */
struct url_target {
	struct slice authority;	/* of the absolute form only */
	struct slice path;	/* starts with "/", or is "*", or "" */
	struct slice query;	/* without the "?" */
	bool absolute;
};

/*
 * Splits a target in origin, absolute or asterisk form. Only http and https are taken.
 * Of path and query no more is checked than that the query has no space, control or "#".
 *
 * @return 0; ERR_INVALID for another form, or an authority that is not valid.
 */
int url_split_target(struct slice target, struct url_target *parts) MUST_USE;

/*
 * Decodes the path of a target: percent escapes are decoded and dot segments taken
 * out, so that the result starts with "/" and never holds a "." or ".." segment. An
 * encoded slash stays as "%2F", so that it never makes a segment of its own. The
 * result is NUL-terminated, in arena.
 *
 * @return 0; ERR_INVALID for a bad escape, an encoded NUL, a character that RFC 3986
 *	does not allow, or a path that climbs above its root; ERR_NOMEM.
 */
int url_decode_path(struct slice raw, struct arena *arena, struct slice *path) MUST_USE;

/* Is this a host that is not empty, with or without ":port" (RFC 3986 section 3.2.2), and
 * no userinfo? */
bool url_authority_valid(struct slice authority);

#endif
