/* SPDX-License-Identifier: MIT */
/* Bad: ignores every signal there is; then crashes, if it is asked to. */
#include <signal.h>
#include <stdlib.h>
#include <tincan/handler.h>

static int *volatile nowhere;

static int open_it(tc_conf *cf, void **state)
{
	(void)cf;
	(void)state;
	for (int number = 1; number < NSIG; number++) {
		signal(number, SIG_IGN);
	}
	return TC_OK;
}

static int answer(tc_req *r)
{
	if (tc.query(r)[0] != '\0') {
		*nowhere = 1;
	}
	return tc.text(r, 200, "here\n");
}

TINCAN_HANDLER("signals", .on_open = open_it, .on_request = answer);
