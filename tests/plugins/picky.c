/* SPDX-License-Identifier: MIT */
/* Bad, by choice: on_open refuses, in the way that the setting "refuse" says. */
#include <string.h>
#include <tincan/handler.h>

static int picky_open(tc_conf *cf, void **state)
{
	const char *how = tc.conf_str(cf, "refuse", "silent");

	(void)state;
	if (strcmp(how, "key") == 0) {
		return tc.conf_error(cf, "refuse", "must not be 'key'");
	}
	if (strcmp(how, "missing") == 0) {
		return tc.conf_error(cf, "root", "is required");
	}
	if (strcmp(how, "positive") == 0) {
		return 5;
	}
	return TC_FAIL;
}

static void picky_close(void *state)
{
	(void)state;
	tc_log(TC_ERROR, "on_close without on_open");
}

static int never(tc_req *r)
{
	return tc.text(r, 200, "never\n");
}

TINCAN_HANDLER("picky", .on_open = picky_open, .on_close = picky_close,
    .on_request = never);
