/* SPDX-License-Identifier: MIT */
/* Which streams of an HTTP/2 connection there were lately. */
#include "http/h2_history.h"

/* The stream's bit, 0 if it is not remembered; a client's streams have odd numbers. */
static uint64_t bit_of(const struct h2_history *history, uint32_t stream)
{
	uint32_t age = (history->newest - stream) / 2;

	if (stream > history->newest || age >= H2_HISTORY_STREAMS) {
		return 0;
	}
	return UINT64_C(1) << age;
}

void h2_history_begin(struct h2_history *history, uint32_t stream)
{
	if (stream > history->newest) {
		uint32_t steps = (stream - history->newest) / 2;

		if (history->newest == 0 || steps >= H2_HISTORY_STREAMS) {
			history->begun = 0;
			history->ended = 0;
		} else {
			history->begun <<= steps;
			history->ended <<= steps;
		}
		history->newest = stream;
	}
	history->begun |= bit_of(history, stream);
}

void h2_history_end(struct h2_history *history, uint32_t stream)
{
	history->ended |= bit_of(history, stream);
}

enum h2_stale h2_history_judge(const struct h2_history *history, uint32_t stream)
{
	uint64_t bit = bit_of(history, stream);

	if (bit == 0) {
		return H2_STALE_CROSSED;
	}
	if ((history->ended & bit) != 0) {
		return H2_STALE_ENDED;
	}
	return (history->begun & bit) != 0 ? H2_STALE_CROSSED : H2_STALE_NEVER;
}
