/* SPDX-License-Identifier: MIT */
/* Which fields a handler may put into a reply's header and trailer. */
#ifndef TINCAN_EXCHANGE_FIELDS_H
#define TINCAN_EXCHANGE_FIELDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"

/* Is the field one that only the protocol may set? Case does not count. */
bool fields_framing(struct slice name);

/* May it stand in a trailer (RFC 9110 section 6.5.1)? Case does not count. */
bool fields_trailer_allowed(struct slice name);

/* A Content-Length: digits only, within int64_t. ERR_INVALID. */
int fields_parse_length(struct slice value, int64_t *length) MUST_USE;

#endif
