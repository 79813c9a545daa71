/* SPDX-License-Identifier: MIT */
/* tincan stop: what is in flight is finished, for up to drain_ms. */
#include <stdio.h>

#include "cli/ask.h"

static void print_stop(const json_t *reply)
{
	(void)reply;
	puts("stopping, when what is in flight is finished");
}

int cli_stop(const struct cli *cli)
{
	return ask_and_show(cli, print_stop);
}
