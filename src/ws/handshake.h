/* SPDX-License-Identifier: MIT */
/*
 * The opening handshake as the server sees it: over HTTP/1.1 (RFC 6455 section 4.2) and
 * over HTTP/2 (RFC 8441). Requests in, decisions out; who sends the reply is the carrier.
 */
#ifndef TINCAN_WS_HANDSHAKE_H
#define TINCAN_WS_HANDSHAKE_H

#include <stdbool.h>

#include "base/error.h"
#include "base/slice.h"
#include "http/message.h"
#include "ws/extensions.h"

#define WS_ACCEPT_BYTES 29	/* a Sec-WebSocket-Accept, NUL included */

/* What a handshake that is right is answered with: 101, over HTTP/2 200. */
struct ws_offer {
	char accept[WS_ACCEPT_BYTES];	/* Sec-WebSocket-Accept; over HTTP/2 none: "" */
	struct ws_extensions extensions;
};

/* Does the client ask for a WebSocket, well or badly? (HTTP/1.0 knows no upgrade.) Any
 * other request is an ordinary one. */
bool ws_is_upgrade(const struct request *request);

/*
 * Judges a request that ws_is_upgrade.
 *
 * @return 0 with *offer; 400; 503 without memory; or 426, and the reply is to have
 *	Sec-WebSocket-Version: 13 (RFC 6455 section 4.2.2). Then *reason, a constant,
 *	says why in few words.
 */
int ws_check(const struct request *request, struct ws_offer *offer,
    const char **reason) MUST_USE;

#endif
