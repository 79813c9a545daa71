/* SPDX-License-Identifier: MIT */
/* tincan reload: the configuration and the plugins as they are now, or what is wrong. */
#include <stdio.h>

#include "cli/ask.h"

static void print_reload(const json_t *reply)
{
	printf("generation %lld serves\n", ask_number(reply, "generation"));
}

int cli_reload(const struct cli *cli)
{
	return ask_and_show(cli, print_reload);
}
