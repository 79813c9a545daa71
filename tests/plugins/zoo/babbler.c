/* SPDX-License-Identifier: MIT */
/* Bad: writes to whatever file it finds open while it is being loaded. */
#include <string.h>
#include <tincan/handler.h>
#include <unistd.h>

__attribute__((constructor)) static void begin(void)
{
	static char garbage[100];

	memset(garbage, 0xee, sizeof garbage);
	for (int fd = 3; fd < 100; fd++) {
		(void)!write(fd, garbage, sizeof garbage);
	}
}

static int answer(tc_req *r)
{
	return tc.text(r, 200, "never\n");
}

TINCAN_HANDLER("babbler", .on_request = answer);
