/* SPDX-License-Identifier: MIT */
/* Bad: logs without an end, as far as that goes, and lines that are no lines. */
#include <string.h>
#include <tincan/handler.h>

static int answer(tc_req *r)
{
	static char huge[1 << 20];

	memset(huge, 'x', sizeof huge);
	tc.log(TC_INFO, huge, sizeof huge);
	tc.log(77, "\"}\n{\"level\":\"forged", 19);
	for (int i = 0; i < 2000; i++) {
		tc_log(TC_INFO, "line %d of too many", i);
	}
	return tc.text(r, 200, "here\n");
}

TINCAN_HANDLER("talker", .on_request = answer);
