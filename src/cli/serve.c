/* SPDX-License-Identifier: MIT */
/* tincan --config FILE: serve until told to stop. */
#include "cli/cli.h"
#include "master/master.h"

int cli_serve(const struct cli *cli)
{
	return master_run(cli->config, cli->log_level);
}
