/* SPDX-License-Identifier: MIT */
/*
 * Lines of the log that others can cause as often as they like: one at most every ten
 * seconds, which can say how many there would have been. One of these for each kind of
 * line, embedded in what it is about; all zeroes, it has said none. Not thread-safe.
 */
#ifndef TINCAN_BASE_LOG_PACE_H
#define TINCAN_BASE_LOG_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define LOG_PACE_MS 10000

struct log_pace {
	int64_t said_ms;	/* when the log last heard of it; 0: never */
	uint64_t unsaid;	/* how often there was reason to since */
};

/* There is reason for a line, at now_ms of the loop: is it to be said? Then *unsaid, NULL
 * if nobody asks, is how many before it were not; else it counts as one of those. */
bool log_pace_due(struct log_pace *pace, int64_t now_ms, uint64_t *unsaid);

#endif
