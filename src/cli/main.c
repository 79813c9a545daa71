/* SPDX-License-Identifier: MIT */
/* Where tincan starts. */
#include <string.h>

#include "cli/cli.h"

static const struct {
	const char *name;
	int (*run)(const struct cli *cli);
} commands[] = {
	{ "serve", cli_serve },
	{ "check", cli_check },
	{ "routes", cli_routes },
	{ "plugins", cli_plugins },
	{ "status", cli_status },
	{ "reload", cli_reload },
	{ "stop", cli_stop },
	{ "reset", cli_reset },
	{ "upgrade", cli_upgrade },
	{ "new", cli_new },
	{ "try", cli_try },
};

int main(int argc, char **argv)
{
	struct cli cli;
	int status = cli_parse(argc, argv, &cli);

	for (size_t i = 0; status < 0 && i < sizeof(commands) / sizeof(*commands); i++) {
		if (strcmp(commands[i].name, cli.command) == 0) {
			return commands[i].run(&cli);
		}
	}
	return status;
}
