/* SPDX-License-Identifier: MIT */
/*
 * How fast bytes move that are up to a client. A timeout alone is met by a byte now and
 * then; here there must be enough of them in each while that it is waited for. Checked
 * when some have moved, so that it needs no timer; that none move is a timeout's matter.
 */
#ifndef TINCAN_WORKER_PACE_H
#define TINCAN_WORKER_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct pace {
	int64_t since_ms;
	uint64_t bytes;		/* that have moved since then */
};

/* The client is waited for from now on. */
static inline void pace_begin(struct pace *pace, int64_t now_ms)
{
	*pace = (struct pace){ .since_ms = now_ms };
}

/* Have there been too few bytes, for as long as while_ms or more? If there were enough in
 * such a while, the next one begins. A rate of 0 asks for nothing. */
static inline bool pace_slow(struct pace *pace, int64_t now_ms, uint32_t while_ms,
    uint32_t bytes_per_s)
{
	uint64_t ms = (uint64_t)(now_ms - pace->since_ms);

	if (ms < while_ms) {
		return false;
	}
	if (pace->bytes < ms * bytes_per_s / 1000) {
		return true;
	}
	pace_begin(pace, now_ms);
	return false;
}

#endif
