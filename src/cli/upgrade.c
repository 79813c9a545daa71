/* SPDX-License-Identifier: MIT */
/* tincan upgrade: the binary as it is now takes over. */
#include <stdio.h>

#include "cli/ask.h"

static void print_upgrade(const json_t *reply)
{
	printf("process %lld has taken over\n", ask_number(reply, "pid"));
}

int cli_upgrade(const struct cli *cli)
{
	return ask_and_show(cli, print_upgrade);
}
