/* SPDX-License-Identifier: MIT */
/* tincan plugins: what lies in the plugin directory, and whether it would be served. */
#include <stdio.h>

#include "cli/cli.h"
#include "master/boot.h"

static void print_plugin(const struct plugin *plugin)
{
	const char *name = plugin->note.name[0] == '\0' ? "-" : plugin->note.name;

	printf("%-20s %5u  %-16s  worker     %-8s %s\n", name, plugin->note.need,
	    plugin->hash[0] == '\0' ? "-" : plugin->hash,
	    plugin->refusal == NULL ? "good" : "refused", plugin->file);
	if (plugin->refusal != NULL) {
		printf("  %s\n", plugin->refusal);
	}
}

int cli_plugins(const struct cli *cli)
{
	struct boot boot;
	int status = CLI_DONE;

	boot_load(&boot, cli->config);
	if (boot.problems.errors > 0) {
		problems_print(&boot.problems, stderr);
		status = CLI_MISUSE;
	}
	if (boot.config != NULL) {
		printf("%-20s %5s  %-16s  %-9s  %-8s %s\n", "name", "level", "hash",
		    "isolation", "state", "file");
	}
	for (size_t i = 0; i < boot.plugins.count; i++) {
		print_plugin(&boot.plugins.items[i]);
	}
	boot_release(&boot);
	return status;
}
