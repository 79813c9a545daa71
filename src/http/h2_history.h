/* SPDX-License-Identifier: MIT */
/*
 * Which streams of an HTTP/2 connection there were lately: to tell a client's fault from
 * frames that crossed with our end of their stream (RFC 9113 sections 5.1 and 5.1.1).
 * Lifetime: connection.
 */
#ifndef TINCAN_HTTP_H2_HISTORY_H
#define TINCAN_HTTP_H2_HISTORY_H

#include <stdint.h>

#define H2_HISTORY_STREAMS 64	/* of the client's, by number, that are remembered */

/* A bit per stream, the newest one's is the lowest. */
struct h2_history {
	uint32_t newest;	/* 0: there was none */
	uint64_t begun;
	uint64_t ended;		/* by the client */
};

/* What a frame on a stream that is not open means. */
enum h2_stale {
	H2_STALE_CROSSED,	/* it may have been sent before the client knew */
	H2_STALE_ENDED,		/* behind the client's own end */
	H2_STALE_NEVER		/* passed over: it cannot begin any more */
};

/* The client begins a stream; whether it is taken does not count. */
void h2_history_begin(struct h2_history *history, uint32_t stream);

/* The client has ended its side of the stream. */
void h2_history_end(struct h2_history *history, uint32_t stream);

/* The stream is not newer than the newest. */
enum h2_stale h2_history_judge(const struct h2_history *history, uint32_t stream);

#endif
