/* SPDX-License-Identifier: MIT */
/* Bad: closes every file there is, as daemons do, and then waits for ever. */
#include <tincan/handler.h>
#include <unistd.h>

__attribute__((constructor)) static void begin(void)
{
	for (int fd = 0; fd < 100; fd++) {
		close(fd);
	}
	for (;;) {
		pause();
	}
}

static int answer(tc_req *r)
{
	return tc.text(r, 200, "never\n");
}

TINCAN_HANDLER("closer", .on_request = answer);
