/* SPDX-License-Identifier: MIT */
/* Bad: crashes when it has replied, before it returns. */
#include <stdlib.h>
#include <tincan/handler.h>

static int answer(tc_req *r)
{
	int rc = tc.text(r, 200, "here\n");

	if (tc.query(r)[0] != '\0') {
		abort();
	}
	return rc;
}

TINCAN_HANDLER("after_reply", .on_request = answer);
