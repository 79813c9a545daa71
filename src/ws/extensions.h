/* SPDX-License-Identifier: MIT */
/*
 * Sec-WebSocket-Extensions (RFC 6455 section 9.1), of which one is known here:
 * permessage-deflate (RFC 7692 section 7.1), always without context takeover, so that no
 * idle WebSocket keeps a state of zlib's.
 */
#ifndef TINCAN_WS_EXTENSIONS_H
#define TINCAN_WS_EXTENSIONS_H

#include "base/error.h"
#include "http/head.h"

/* The longest value there is, NUL included. */
#define WS_EXTENSIONS_BYTES 104

/* What was agreed. */
struct ws_extensions {
	/* Of our end's window, 8 to 15; 0: no permessage-deflate. */
	int window_bits;
	char value[WS_EXTENSIONS_BYTES];	/* the field of the reply; "": none */
};

/*
 * Takes the first of the client's offers that can be taken; one that cannot is declined,
 * as any other extension. Of a client the window does not matter: ours is always 15 bits.
 *
 * @return 0; ERR_INVALID if a field breaks the grammar.
 */
int ws_extensions_negotiate(const struct head *head,
    struct ws_extensions *agreed) MUST_USE;

#endif
