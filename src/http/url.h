/* SPDX-License-Identifier: MIT */
/* Targets, paths and authorities (RFC 3986, RFC 9112 section 3.2). */
#ifndef TINCAN_HTTP_URL_H
#define TINCAN_HTTP_URL_H

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

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

/* Is this a valid host, with or without ":port" (RFC 3986 section 3.2.2, no userinfo)? */
bool url_authority_valid(struct slice authority);

#endif
