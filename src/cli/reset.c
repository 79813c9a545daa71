/* SPDX-License-Identifier: MIT */
/* tincan reset NAME: a handler that was shut for its crashes is tried again at once. */
#include <stdio.h>

#include "cli/ask.h"

static void print_reset(const json_t *reply)
{
	(void)reply;
	puts("it is tried again");
}

int cli_reset(const struct cli *cli)
{
	return ask_and_show(cli, print_reset);
}
