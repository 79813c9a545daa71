/* SPDX-License-Identifier: MIT */
/* tincan check: every problem, a plugin that would not be served among them. */
#include <stdio.h>

#include "cli/cli.h"
#include "master/boot.h"

int cli_check(const struct cli *cli)
{
	struct boot boot;
	size_t errors;

	boot_load(&boot, cli->config, NULL);
	for (size_t i = 0; i < boot.plugins.count; i++) {
		const struct plugin *plugin = &boot.plugins.items[i];

		if (plugin->refusal != NULL) {
			problems_add(&boot.problems, plugin->file, NULL, "%s",
			    plugin->refusal);
		}
	}
	problems_print(&boot.problems, stderr);
	errors = boot.problems.errors;
	if (errors == 0) {
		printf("%s: no problems\n", cli->config);
	} else {
		fprintf(stderr, "%s: %zu problem%s\n", cli->config, errors,
		    errors == 1 ? "" : "s");
	}
	boot_release(&boot);
	return errors == 0 ? CLI_DONE : CLI_MISUSE;
}
