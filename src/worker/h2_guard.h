/* SPDX-License-Identifier: MIT */
/*
 * How much of what is legal, but makes work for nothing, one HTTP/2 client may do: it has
 * an allowance for each kind, which grows with time and with what it does in earnest.
 * Who has used one up is attacking, or broken (CVE-2019-9511 and what followed it, rapid
 * reset: CVE-2023-44487, made you reset: CVE-2025-8671). No clock of its own. Lifetime:
 * connection.
 */
#ifndef TINCAN_WORKER_H2_GUARD_H
#define TINCAN_WORKER_H2_GUARD_H

#include <stdint.h>

#include "http/h2_frames.h"

enum h2_charge {
	H2_CHARGE_RESET,	/* a stream reset by the client, or by us for its fault */
	H2_CHARGE_FRAME,	/* a frame that brings no request any further */
	H2_CHARGES
};

struct h2_guard {
	int64_t at_ms;		/* of the last growth */
	uint32_t left[H2_CHARGES];
	uint32_t rest_bytes;	/* sent, not yet counted as earned */
};

void h2_guard_init(struct h2_guard *guard, int64_t now_ms);

/* Both charge one. Return NULL, or what the client has done too much of: a static text
 * for the log. */
const char *h2_guard_charge(struct h2_guard *guard, enum h2_charge kind, int64_t now_ms);
/* For a frame whose header has come, if it is one that is charged. */
const char *h2_guard_frame(struct h2_guard *guard, const struct h2_frame *frame,
    int64_t now_ms);

/* A request was answered to its end. */
void h2_guard_answered(struct h2_guard *guard);

/* Bytes of replies were sent: the client may acknowledge them. */
void h2_guard_sent(struct h2_guard *guard, uint32_t bytes);

#endif
