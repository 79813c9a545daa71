/* SPDX-License-Identifier: MIT */
/*
 * tincan plugins: what the running server serves of the plugin directory; or, if none
 * runs, what lies there and whether it would be served.
 */
#include "cli/plugins.h"

#include <stdio.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/columns.h"
#include "master/boot.h"

static long long crashes_of(const json_t *plugin)
{
	json_t *hosts = json_object_get(plugin, "hosts");
	long long crashes = 0;
	json_t *host;
	size_t i;

	json_array_foreach(hosts, i, host) {
		crashes += ask_number(host, "crashes");
	}
	return crashes;
}

/* Of what is not known there is no number. */
static void add_count(struct columns *columns, bool known, long long count)
{
	if (known) {
		columns_add(columns, "%lld", count);
	} else {
		columns_add(columns, "%s", "");
	}
}

static void add_plugin(struct columns *columns, const json_t *plugin)
{
	const char *reason = ask_text(plugin, "reason");
	long long level = ask_number(plugin, "level");
	bool serves = json_object_get(plugin, "requests") != NULL;

	columns_add(columns, "%s", ask_text(plugin, "name"));
	columns_add(columns, "%s", ask_text(plugin, "version"));
	add_count(columns, level > 0, level);
	columns_add(columns, "%s", ask_text(plugin, "hash"));
	columns_add(columns, "%s", ask_text(plugin, "isolation"));
	columns_add(columns, "%s", ask_text(plugin, "state"));
	add_count(columns, serves, ask_number(plugin, "requests"));
	add_count(columns, serves, crashes_of(plugin));
	add_count(columns, ask_number(plugin, "processes") > 0,
	    ask_number(plugin, "processes"));
	add_count(columns, serves, ask_number(plugin, "queue"));
	columns_add(columns, "%s", ask_text(plugin, "file"));
	columns_add(columns, "%s", ask_text(plugin, "about"));
	if (reason[0] != '\0') {
		columns_note(columns, reason);
	}
}

void plugins_print(const json_t *reply)
{
	static const char *const heads[] = { "name", "version", ">level", "hash",
		"isolation", "state", ">requests", ">crashes", ">processes", ">queue",
		"file", "about", NULL };
	json_t *plugins = json_object_get(reply, "plugins");
	struct columns columns;
	json_t *plugin;
	size_t i;

	columns_init(&columns, heads);
	json_array_foreach(plugins, i, plugin) {
		add_plugin(&columns, plugin);
	}
	columns_print(&columns, stdout);
	columns_release(&columns);
}

/* In the words of the server. */
static json_t *describe(const struct plugin *plugin)
{
	return json_pack("{s:s, s:s?, s:s?, s:s, s:s, s:i, s:s, s:s, s:s?}",
	    "name", plugin->note.name, "version", plugin->release, "about",
	    plugin->about, "file", plugin->file, "hash", plugin->hash, "level",
	    (int)plugin->note.need, "isolation", plugin->isolated ? "host" : "worker",
	    "state", plugin->refusal == NULL ? "good" : "refused", "reason",
	    plugin->refusal);
}

static int list_without_server(const struct cli *cli)
{
	json_t *list = json_array();
	struct boot boot;
	int status;

	boot_load(&boot, cli->config, NULL);
	problems_print(&boot.problems, stderr);
	for (size_t i = 0; i < boot.plugins.count; i++) {
		json_array_append_new(list, describe(&boot.plugins.items[i]));
	}
	status = boot.config == NULL ? CLI_MISUSE : ask_show(cli,
	    json_pack("{s:b, s:O}", "ok", 1, "plugins", list), plugins_print);
	if (boot.problems.errors > 0) {
		status = CLI_MISUSE;
	}
	boot_release(&boot);
	json_decref(list);
	return status;
}

int cli_plugins(const struct cli *cli)
{
	json_t *reply;
	int status = ask_server(cli, false, &reply);

	if (status != ASK_GO_ON) {
		return status;
	}
	return reply == NULL ? list_without_server(cli) :
	    ask_show(cli, reply, plugins_print);
}
