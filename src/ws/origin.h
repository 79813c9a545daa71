/* SPDX-License-Identifier: MIT */
/* Whose pages may open a WebSocket (RFC 6455 section 10.2): browsers send cookies along
 * for a page of any site, and only Origin tells which one it was. */
#ifndef TINCAN_WS_ORIGIN_H
#define TINCAN_WS_ORIGIN_H

#include <stdbool.h>

#include "base/slice.h"
#include "http/message.h"

/*
 * May the page that sent the request? Yes without an Origin field: then no browser did.
 * Otherwise it must be https://own_authority or one of allowed (NULL-ended, or NULL), of
 * which "*" stands for all. Case of scheme and host does not count, nor whether a port
 * that is the scheme's own is written.
 */
bool ws_origin_allowed(const struct request *request, struct slice own_authority,
    char *const *allowed);

#endif
