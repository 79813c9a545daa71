/* SPDX-License-Identifier: MIT */
/* How much of what is legal, but makes work for nothing, one HTTP/2 client may do. */
#include "worker/h2_guard.h"

/*
 * A browser that leaves a page resets what is under way, up to all its streams, and may
 * do so again soon. Clients acknowledge what they get with two WINDOW_UPDATEs, some of
 * them every 4 KiB, and a few PRIORITY_UPDATEs come with a request.
 */
#define FRAMES_PER_ANSWER 4
#define BYTES_PER_FRAME 1024

/* Each is work, and there are not ten of them (CVE-2020-11080). More than these end the
 * connection in nghttp2 as well, but without a word to us. */
#define SETTINGS_BYTES (32 * 6)

static const struct allowance {
	uint32_t most;		/* also at the start */
	uint32_t per_second;
	const char *what;	/* for the log, behind the client's address */
} allowances[H2_CHARGES] = {
	[H2_CHARGE_RESET] = { 200, 20, "had too many streams reset" },
	[H2_CHARGE_FRAME] = { 1000, 100, "sent too many frames that ask for nothing" }
};

void h2_guard_init(struct h2_guard *guard, int64_t now_ms)
{
	*guard = (struct h2_guard){ .at_ms = now_ms };
	for (int i = 0; i < H2_CHARGES; i++) {
		guard->left[i] = allowances[i].most;
	}
}

static void earn(struct h2_guard *guard, enum h2_charge kind, uint64_t count)
{
	uint32_t missing = allowances[kind].most - guard->left[kind];

	guard->left[kind] += count < missing ? (uint32_t)count : missing;
}

/* Whole seconds only, so that nothing is lost to rounding. */
static void grow(struct h2_guard *guard, int64_t now_ms)
{
	int64_t seconds = (now_ms - guard->at_ms) / 1000;

	if (seconds <= 0) {
		return;
	}
	guard->at_ms += seconds * 1000;
	for (int i = 0; i < H2_CHARGES; i++) {
		earn(guard, (enum h2_charge)i,
		    (uint64_t)seconds * allowances[i].per_second);
	}
}

const char *h2_guard_charge(struct h2_guard *guard, enum h2_charge kind, int64_t now_ms)
{
	grow(guard, now_ms);
	if (guard->left[kind] == 0) {
		return allowances[kind].what;
	}
	guard->left[kind]--;
	return NULL;
}

/* HEADERS are bounded by what they begin, DATA by what a body may have, and the library
 * bounds CONTINUATION; but empty ones add up to nothing. */
const char *h2_guard_frame(struct h2_guard *guard, const struct h2_frame *frame,
    int64_t now_ms)
{
	switch (frame->type) {
	case H2_RST_STREAM:
		return h2_guard_charge(guard, H2_CHARGE_RESET, now_ms);
	case H2_HEADERS:
	case H2_CONTINUATION:
		if (frame->size > 0 || (frame->flags & H2_END_HEADERS) != 0) {
			return NULL;
		}
		break;
	case H2_SETTINGS:
		if (frame->size > SETTINGS_BYTES) {
			return "sent too many settings at once";
		}
		break;
	case H2_DATA:
		if (frame->size > 0 || (frame->flags & H2_END_STREAM) != 0) {
			return NULL;
		}
		break;
	default:
		break;
	}
	return h2_guard_charge(guard, H2_CHARGE_FRAME, now_ms);
}

void h2_guard_answered(struct h2_guard *guard)
{
	earn(guard, H2_CHARGE_RESET, 1);
	earn(guard, H2_CHARGE_FRAME, FRAMES_PER_ANSWER);
}

void h2_guard_sent(struct h2_guard *guard, uint32_t bytes)
{
	guard->rest_bytes += bytes;
	earn(guard, H2_CHARGE_FRAME, guard->rest_bytes / BYTES_PER_FRAME);
	guard->rest_bytes %= BYTES_PER_FRAME;
}
