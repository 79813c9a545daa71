/* SPDX-License-Identifier: MIT */
/* What a host says of itself and its instances: HELLO and PROBLEM, at the peer's end. */
#ifndef TINCAN_REMOTE_HELLO_H
#define TINCAN_REMOTE_HELLO_H

#include <stdint.h>

#include "base/error.h"
#include "ipc/frame.h"

/* What is of use to a peer that has read the plugin's note. */
struct hello {
	const char *version;	/* for people; "" */
	const char *about;	/* the same */
	const char *route;	/* its own; "" if it has none */
	uint32_t can;		/* mask of enum plugin_can, never 0 */
};

/* Texts are borrowed from the frame. ERR_PROTOCOL if it is not well formed, or of another
 * protocol than ours. */
int hello_unpack(const struct frame *frame, struct hello *hello) MUST_USE;

/* One thing that is wrong; texts are borrowed from the frame, hint is NULL for none.
 * ERR_PROTOCOL. */
struct complaint {
	enum problem_level level;
	const char *where;
	const char *what;
	const char *hint;
};

int complaint_unpack(const struct frame *frame, struct complaint *complaint) MUST_USE;

#endif
