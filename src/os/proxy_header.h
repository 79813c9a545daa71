/* SPDX-License-Identifier: MIT */
/*
 * The header that a proxy sends in front of a connection it passes on, and that says
 * whose it is: the PROXY protocol, versions 1 and 2
 * (https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt). Bytes in, addresses out;
 * what is not exactly one is refused, as a receiver must not guess.
 */
#ifndef TINCAN_OS_PROXY_HEADER_H
#define TINCAN_OS_PROXY_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/slice.h"
#include "os/socket.h"

/* The most that is looked at: a header of version 2 up to the end of its addresses. What
 * it has behind them is of no use here. */
#define PROXY_HEADER_LOOK (16 + 216)

struct proxy_header {
	/* Of all of it, with what is behind the addresses: 15 to 65551 bytes, and more
	 * than were given if not all of that has come. */
	size_t size;
	/* The connection is another's: these are its two ends. False for those that the
	 * proxy opens for itself (LOCAL), and those it knows nothing of (UNKNOWN). */
	bool passed_on;
	union socket_address client;
	union socket_address server;
};

/*
 * Reads what is at the front of bytes.
 *
 * @return 0; ERR_AGAIN: more bytes may make it one; ERR_PROTOCOL: it is none
 */
int proxy_header_read(struct slice bytes, struct proxy_header *header) MUST_USE;

#endif
