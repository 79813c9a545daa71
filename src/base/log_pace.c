/* SPDX-License-Identifier: MIT */
/* Lines of the log that others can cause. */
#include "base/log_pace.h"

#include <stddef.h>

bool log_pace_due(struct log_pace *pace, int64_t now_ms, uint64_t *unsaid)
{
	if (pace->said_ms != 0 && now_ms - pace->said_ms < LOG_PACE_MS) {
		pace->unsaid++;
		return false;
	}
	if (unsaid != NULL) {
		*unsaid = pace->unsaid;
	}
	*pace = (struct log_pace){ .said_ms = now_ms };
	return true;
}
