/* SPDX-License-Identifier: MIT */
/* Bad: writes over the memory that its process shares with the server; then crashes. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tincan/handler.h>

static void scribble(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512];

	while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
		char *dash;
		uintptr_t start = strtoul(line, &dash, 16);
		uintptr_t end = strtoul(dash + 1, NULL, 16);

		if (strstr(line, "rw-s") != NULL) {
			memset((void *)start, 0xff, end - start);
		}
	}
	abort();
}

static int answer(tc_req *r)
{
	if (tc.query(r)[0] != '\0') {
		scribble();
	}
	return tc.text(r, 200, "here\n");
}

TINCAN_HANDLER("scribbler", .on_request = answer);
